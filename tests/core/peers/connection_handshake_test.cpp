// How a connection comes up, or does not.
#include "peers/connection_rig.hpp"

namespace trestle::peers {
namespace {

using Handshake = ConnectionRig;

TEST_F(Handshake, SaysHelloOnceConnected) {
  const auto connection = dial();
  EXPECT_TRUE(conn().sent.empty());

  fake_.connected(conn());
  turn();

  EXPECT_EQ(frames(), "hello ");
  EXPECT_FALSE(connection->is_open());
}

TEST_F(Handshake, IsDoneWithThePeersHello) {
  const auto connection = open();

  EXPECT_EQ(opened_, 1);
  EXPECT_EQ(connection->peer().instance, peer_id);
  EXPECT_EQ(connection->peer().connection, 40u);
}

TEST_F(Handshake, GivesUpWhenNotConnectedInTime) {
  const auto connection = dial();
  connection->limit_handshake(clock_.now() + 1s);

  advance(1s);
  EXPECT_EQ(conn().close_flags, static_cast<std::uint32_t>(TT_CLOSE_ABORT));
  fake_.finish_closes();
  turn();

  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_TRUE(closed_[0].is(Errc::deadline_exceeded));
  EXPECT_EQ(closed_[0].text, "not connected before the deadline");
}

TEST_F(Handshake, GivesUpOnAPeerThatSaysNoHello) {
  const auto connection = dial();
  fake_.connected(conn());
  turn();

  advance(1999ms);
  EXPECT_EQ(conn().closes, 0);
  advance(1ms);
  fake_.finish_closes();
  turn();

  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_TRUE(closed_[0].is(Errc::handshake_failed));
  EXPECT_NE(closed_[0].text.find("handshake_timeout 2000 ms"), std::string::npos);
}

TEST_F(Handshake, GivesUpAtTheDiallersDeadlineThoughHelloMayTakeLonger) {
  const auto connection = dial();
  connection->limit_handshake(clock_.now() + 1s);
  fake_.connected(conn());
  turn();

  advance(1s);
  fake_.finish_closes();
  turn();

  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_TRUE(closed_[0].is(Errc::deadline_exceeded));
  EXPECT_EQ(closed_[0].text, "no hello from the other side before the deadline");
}

TEST_F(Handshake, RefusesASecondHello) {
  const auto connection = open();

  receive(PacketBytes().add(hello_of()).str());

  EXPECT_EQ(violations_, "a second hello on one connection\n");
  EXPECT_EQ(frames(), "hello goodbye:a second hello on one connection ");
  EXPECT_EQ(conn().closes, 1);
}

TEST_F(Handshake, RefusesAnyOtherFirstFrame) {
  const auto connection = dial();
  fake_.connected(conn());

  receive(PacketBytes().add(wire::Ping{1}).str());

  EXPECT_EQ(violations_, "the first frame of a connection is hello\n");
  EXPECT_EQ(conn().closes, 1);
}

TEST_F(Handshake, TellsAPeerOfAnotherVersionWhy) {
  const auto connection = dial();
  fake_.connected(conn());
  wire::Hello hello = hello_of();
  hello.version_min = 7;
  hello.version_max = 9;

  receive(PacketBytes().add(hello).str());

  EXPECT_EQ(frames(), "hello goodbye:the peer speaks protocol versions 7 to 9, this node 1 ");
}

TEST_F(Handshake, EndsWithTheReasonThatThePeerGave) {
  const auto connection = dial();
  fake_.connected(conn());
  receive(PacketBytes().add(wire::Goodbye{Errc::version_mismatch, "too old"}).str());
  fake_.closed(conn(), TT_E_CLOSED);
  turn();

  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_TRUE(closed_[0].is(Errc::version_mismatch));
  EXPECT_EQ(closed_[0].text, "too old");
}

TEST_F(Handshake, TellsThePeerWhyTheNodeRefusesIt) {
  verdict_ = Error(Errc::identity_mismatch, "not you");
  const auto connection = dial();
  fake_.connected(conn());

  receive(PacketBytes().add(hello_of()).str());

  EXPECT_EQ(frames(), "hello goodbye:not you ");
  EXPECT_EQ(opened_, 0);
}

TEST_F(Handshake, EndsTheCallsThatWaitedForItWithItsOwnError) {
  verdict_ = Error(Errc::identity_mismatch, "not you");
  const auto connection = dial();
  NotedSink sink;
  ASSERT_TRUE(call(*connection, &sink).has_value());
  fake_.connected(conn());
  receive(PacketBytes().add(hello_of()).str());

  fake_.finish_closes();
  turn();

  ASSERT_TRUE(sink.is_done());
  EXPECT_TRUE(sink.error().is(Errc::identity_mismatch)) << sink.error().text;
  EXPECT_EQ(sink.error().ran, Ran::no);
}

TEST_F(Handshake, FailsWhenTheOtherSideLeavesBeforeItsHello) {
  const auto connection = dial();
  fake_.connected(conn());
  fake_.closed(conn(), TT_E_RESET, "reset by peer");

  turn();

  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_TRUE(closed_[0].is(Errc::handshake_failed));
  EXPECT_EQ(closed_[0].text, "the connection ended before the hello: reset by peer");
}

TEST_F(Handshake, RefusesAFrameAboveTheLimitBeforeHello) {
  const auto connection = dial();
  fake_.connected(conn());
  const std::string large(5000, 'x');

  receive(PacketBytes().add(wire::Request{.handler_name = "h", .payload = as_bytes(large)}).str());

  EXPECT_NE(violations_.find("above the limit of 4096"), std::string::npos) << violations_;
}

TEST_F(Handshake, TakesLargeFramesBehindTheHelloInOnePacket) {
  const auto connection = dial();
  fake_.connected(conn());
  const std::string large(5000, 'x');

  receive(PacketBytes()
              .add(hello_of())
              .add(wire::Request{.handler_name = "h", .payload = as_bytes(large)})
              .str());

  EXPECT_EQ(violations_, "");
  EXPECT_EQ(requests_, "h(xxxxxxxx) ");
}

TEST_F(Handshake, SendsRequestsThatWaitedOnceItIsDone) {
  const auto connection = dial();
  NotedSink sink;
  ASSERT_TRUE(call(*connection, &sink, "first").has_value());
  ASSERT_TRUE(call(*connection, nullptr, "second").has_value());
  fake_.connected(conn());
  turn();
  EXPECT_EQ(frames(), "hello ");

  receive(PacketBytes().add(hello_of()).str());

  EXPECT_EQ(frames(), "hello request:first#1 request:second#2 ");
  EXPECT_FALSE(sink.is_done());
}

TEST_F(Handshake, LetsAPingWaitForItsEnd) {
  const auto connection = dial();
  NotedSink sink;
  const auto id = connection->send_ping(sink, std::nullopt);
  ASSERT_TRUE(id.has_value());
  fake_.connected(conn());
  turn();
  EXPECT_EQ(frames(), "hello ") << "hello is the first frame";

  receive(PacketBytes().add(hello_of()).str());
  EXPECT_EQ(frames(), "hello ping ");
  receive(PacketBytes().add(wire::Pong{id->value}).str());

  EXPECT_TRUE(sink.is_done());
}

TEST_F(Handshake, NeverSendsACallWhoseDeadlineCameFirst) {
  const auto connection = dial();
  NotedSink sink;
  ASSERT_TRUE(call(*connection, &sink, "h", clock_.now() + 1s).has_value());

  advance(1s);
  ASSERT_TRUE(sink.is_done());
  EXPECT_TRUE(sink.error().is(Errc::deadline_exceeded));
  EXPECT_EQ(sink.error().ran, Ran::no);
  fake_.connected(conn());
  receive(PacketBytes().add(hello_of()).str());

  EXPECT_EQ(frames(), "hello ");
}

TEST_F(Handshake, EndsACallThatIsAboveWhatThePeerTurnsOutToTake) {
  const auto connection = dial();
  NotedSink sink;
  ASSERT_TRUE(call(*connection, &sink, "h", {}, std::string(20'000, 'x')).has_value());
  fake_.connected(conn());
  wire::Hello hello = hello_of();
  hello.frame_bytes_max = 10'000;

  receive(PacketBytes().add(hello).str());

  EXPECT_EQ(frames(), "hello ");
  ASSERT_TRUE(sink.is_done());
  EXPECT_TRUE(sink.error().is(Errc::payload_too_large));
  EXPECT_EQ(sink.error().ran, Ran::no);
  EXPECT_TRUE(connection->is_open());
}

TEST_F(Handshake, GivesTheQueueBackWhatExpiredWhileWaiting) {
  limits_.queue_bytes_max = 10'000;
  const auto connection = dial();
  NotedSink first, second;
  ASSERT_TRUE(call(*connection, &first, "h", clock_.now() + 1s, std::string(9000, 'x')));
  EXPECT_TRUE(
      call(*connection, &second, "h", {}, std::string(9000, 'x')).error().is(Errc::queue_full));

  advance(1s);

  EXPECT_TRUE(call(*connection, &second, "h", {}, std::string(9000, 'x')).has_value());
  connection->abort(Error(Errc::shut_down, "over"));
  fake_.finish_closes();
  turn();
}

/// Also notes the contract in a receipt.
struct ReceiptSink final : calls::CallSink {
  void accepted(HandlerContract told) noexcept override { contract = std::move(told); }
  void complete(Result<Encoded>&& result) noexcept override { outcome.emplace(std::move(result)); }
  std::optional<HandlerContract> contract;
  std::optional<Result<Encoded>> outcome;
};

TEST_F(Handshake, IsFollowedByAFirstMessageThatAsksForAReceipt) {
  using Response = Expectation::Response;
  const auto connection = dial();
  ReceiptSink sink;
  const auto id =
      connection
          ->send_request({.handler = "sum",
                          .mode = DeliveryMode::with_receipt_and_response,
                          .argument = {Codec::json, Payload::copy("1")},
                          .expectation = std::make_unique<Expectation>(Response::typed, "int32")},
                         &sink)
          .value();
  fake_.connected(conn());
  turn();
  EXPECT_EQ(frames(), "hello ");

  receive(PacketBytes().add(hello_of()).str());
  EXPECT_EQ(frames(), "hello request:sum#1 ");
  const std::string sent = conn().sent.back().bytes;  // what its frame views
  wire::PacketReader reader(as_bytes(sent), 1 << 20);
  const auto frame = reader.next().value();
  const auto& request = std::get<wire::Request>(*frame);
  EXPECT_EQ(request.mode, DeliveryMode::with_receipt_and_response);
  EXPECT_EQ(request.expected_response, Response::typed);
  EXPECT_EQ(request.expected_type, "int32");

  receive(PacketBytes()
              .add(wire::Accepted{id, HandlerKind::unary, "int32", "int32"})
              .add(wire::Reply{id, Codec::json, as_bytes(std::string_view("1"))})
              .str());
  EXPECT_EQ(sink.contract, (HandlerContract{HandlerKind::unary, "int32", "int32"}));
  ASSERT_TRUE(sink.outcome);
  EXPECT_EQ(sink.outcome->value().payload.text(), "1");
}

}  // namespace
}  // namespace trestle::peers
