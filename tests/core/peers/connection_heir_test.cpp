// What a connection that is lost with packets that never left leaves to the one after it.
#include "connection_rig.hpp"

namespace trestle::peers {
namespace {

class Heir : public ConnectionRig {
 protected:
  /// From now on nothing leaves.
  std::shared_ptr<Connection> open_and_block() {
    auto connection = open();
    fake_.sends_left = 0;
    return connection;
  }
  /// The connection is lost, and the one after it comes up.
  void lose_and_come_back() {
    successor_ = make(Opener::us);
    fake_.closed(conn(), TT_E_RESET, "gone");
    turn();
    fake_.sends_left = -1;
    engine::LinkEvents& events = *successor_;
    successor_->attach(*transport_, transport_->connect("fake://b", events).value());
    fake_.connected(conn());
    receive(PacketBytes().add(hello_of()).str());
    EXPECT_TRUE(successor_->is_open());
  }
  /// The requests of the latest connection, with all that they carry.
  std::string requests_sent() {
    std::string text;
    for (const fakes::SentPacket& packet : conn().sent) {
      wire::PacketReader reader(as_bytes(packet.bytes), 64 << 20);
      for (auto frame = reader.next(); frame && *frame; frame = reader.next()) {
        const auto* request = std::get_if<wire::Request>(&**frame);
        if (request == nullptr) continue;
        text += std::string(request->handler_name) + "#" + std::to_string(request->handler) + "(" +
                std::string(as_text(request->payload).substr(0, 8)) + ")";
        if (request->deadline_ms != 0) text += " in " + std::to_string(request->deadline_ms);
        if (request->wants_accepted) text += " accepted";
        for (const auto& [name, value] : request->headers) text += " " + name + "=" + value;
        if (request->expected_response) text += " gives " + std::string(request->expected_type);
        text += "; ";
      }
    }
    return text;
  }
  void reply(wire::CallId id) {
    receive(PacketBytes().add(wire::Reply{.call = id, .codec = Codec::bytes}).str());
  }
};

TEST_F(Heir, SendsWhatWasPackedAndHadNotLeft) {
  const auto connection = open_and_block();
  NotedSink first;
  NotedSink second;
  const wire::CallId id = call(*connection, &first, "a", {}, "1").value();
  call(*connection, nullptr, "b", {}, "2").value();
  call(*connection, &second, "a", {}, std::string(9000, '3')).value();

  lose_and_come_back();

  EXPECT_EQ(requests_sent(), "a#1(1); b#2(2); #1(33333333); ");
  EXPECT_FALSE(first.is_done());
  EXPECT_EQ(lost_, "");
  reply(id);
  EXPECT_TRUE(first.is_done() && first.outcome->has_value());
  EXPECT_FALSE(second.is_done());
}

TEST_F(Heir, NeverSendsWhatHadLeft) {
  const auto connection = open();
  NotedSink left;
  NotedSink packed;
  call(*connection, &left, "a", {}, "1").value();
  fake_.sends_left = 0;
  call(*connection, &packed, "a", {}, "2").value();

  lose_and_come_back();

  EXPECT_EQ(requests_sent(), "a#1(2); ");
  EXPECT_EQ(left.error().ran, Ran::maybe);
}

TEST_F(Heir, SendsLentPayloadsWithoutACopy) {
  const auto connection = open_and_block();
  auto bytes = std::make_unique<std::byte[]>(100'000);
  const void* const at = bytes.get();
  connection
      ->send_request({"h",
                      DeliveryMode::fire_and_forget,
                      {Codec::bytes, Payload::take(std::move(bytes), 100'000)}},
                     nullptr)
      .value();
  flush();

  lose_and_come_back();

  const auto& bases = conn().sent.back().bases;
  EXPECT_NE(std::find(bases.begin(), bases.end(), at), bases.end());
}

TEST_F(Heir, SendsAllThatARequestCarries) {
  const auto connection = open_and_block();
  OutgoingRequest request{"h",
                          DeliveryMode::with_receipt_and_response,
                          {Codec::bytes, Payload::copy(std::string_view("x")), {{"trace", "7"}}},
                          clock_.now() + 5s,
                          clock_.now(),
                          true};
  request.expectation =
      std::make_unique<Expectation>(Expectation{Expectation::Response::typed, "Sum"});
  NotedSink sink;
  connection->send_request(std::move(request), &sink).value();
  clock_.advance(1s);

  lose_and_come_back();

  EXPECT_EQ(requests_sent(), "h#1(x) in 4000 accepted trace=7 gives Sum; ");
}

TEST_F(Heir, DoesNotSendWhatWasCancelledMeanwhile) {
  const auto connection = open_and_block();
  NotedSink names;
  NotedSink first;
  NotedSink last;
  const auto naming = call(*connection, &names, "a", {}, "1").value();
  const auto withdrawn = call(*connection, &first, "a", {}, "2").value();
  call(*connection, &last, "a", {}, "3").value();
  connection->cancel(naming, detail::CallCanceller::Scope::any);
  connection->cancel(withdrawn, detail::CallCanceller::Scope::any);

  lose_and_come_back();

  EXPECT_EQ(requests_sent(), "a#1(3); ");
}

TEST_F(Heir, EndsCallsAtTheirDeadlineWhileTheyWait) {
  const auto connection = open_and_block();
  NotedSink sink;
  call(*connection, &sink, "a", clock_.now() + 1s).value();
  successor_ = make(Opener::us);
  fake_.closed(conn(), TT_E_RESET, "gone");
  turn();

  advance(1s);

  EXPECT_TRUE(sink.error().is(Errc::deadline_exceeded));
  EXPECT_EQ(sink.error().ran, Ran::no);
}

TEST_F(Heir, LetsSendersGoOnThatWaitedForRoom) {
  limits_.queue_bytes_max = 1000;  // of connections made from now on
  const auto connection = open_and_block();
  call(*connection, nullptr, "a", {}, std::string(900, '1')).value();
  BlockedSend send;
  send.request = {
      "b", DeliveryMode::fire_and_forget, {Codec::bytes, Payload::copy(std::string(900, '2'))}};
  connection->wait_for_room(send);

  lose_and_come_back();
  flush();

  EXPECT_EQ(admitted_, 1);
  EXPECT_TRUE(send.admitted.has_value());
  EXPECT_EQ(requests_sent(), "a#1(11111111); b#2(22222222); ");
}

TEST_F(Heir, CountsWhatItSendsInVain) {
  const auto connection = open_and_block();
  for (int i = 0; i < 3; ++i) call(*connection, nullptr, "a").value();
  successor_ = make(Opener::us);
  fake_.closed(conn(), TT_E_RESET, "gone");
  turn();
  EXPECT_EQ(lost_, "");

  std::exchange(successor_, nullptr)->fail(Error(Errc::connection_lost, "in vain"));

  EXPECT_EQ(lost_, "3 unsent, 0 in doubt: connection_lost\n");
}

}  // namespace
}  // namespace trestle::peers
