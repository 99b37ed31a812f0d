// Payloads that are lent to the peer or pulled from it, beside those that travel in packets.
#include <gtest/gtest.h>

#include "connection_rig.hpp"

namespace trestle::peers {
namespace {

class Bulk : public ConnectionRig {
 protected:
  Bulk() : ConnectionRig(Extensions::bulk) { peer_features_ = wire::feature::bulk; }

  /// Sends a message with so many bytes; `released_` counts those that came back.
  void send(Connection& connection, std::size_t size, NotedSink* sink = nullptr) {
    bytes_.assign(size, 'b');
    const auto count = [](void* rig) noexcept { ++static_cast<Bulk*>(rig)->released_; };
    const DeliveryMode mode =
        sink != nullptr ? DeliveryMode::with_response : DeliveryMode::fire_and_forget;
    auto sent = connection.send_request(
        {"h", mode, {Codec::bytes, Payload::lend(as_bytes(bytes_), count, this)}}, sink);
    EXPECT_TRUE(sent.has_value());
    last_ = sent.value();
    flush();
  }
  std::deque<fakes::FakeBulk::Offer>& offers() { return conn().bulk.offers; }
  std::vector<fakes::FakeBulk::Get>& gets() { return conn().bulk.gets; }

  /// A pull frame for a request of handler 1, named `name`, and a payload of `size` bytes.
  PacketBytes& pull(PacketBytes& packet, std::uint64_t lease, std::size_t size,
                    std::string_view name = "h") {
    bytes_.assign(size, 'p');
    wire::Request request{.call = wire::CallId::make(1, lease),
                          .handler = 1,
                          .mode = DeliveryMode::with_response,
                          .handler_name = name,
                          .payload = as_bytes(bytes_)};
    wire::Buffer head;
    wire::append_without_payload(head, request);
    return packet.add(wire::Pull{.lease = lease,
                                 .key = 77,
                                 .address = 5000,
                                 .frame = {head.data(), head.size()},
                                 .payload_bytes = size});
  }
  void receive_pull(std::uint64_t lease, std::size_t size, std::string_view name = "h") {
    PacketBytes packet;
    receive(pull(packet, lease, size, name).str());
  }
  void finish_get(std::uint64_t op, fakes::FakeRx& rx) {
    fake_.bulk(conn(), op, TT_OK, &rx);
    turn();
  }

  std::string bytes_;
  int released_ = 0;
  wire::CallId last_;
};

TEST_F(Bulk, IsOfferedInTheHelloWhereTheTransportHasIt) {
  open();
  wire::PacketReader reader(as_bytes(conn().sent.front().bytes), 4096);

  const auto frame = reader.next();

  EXPECT_NE(std::get<wire::Hello>(**frame).features & wire::feature::bulk, 0u);
}

TEST_F(Bulk, LendsLargePayloadsUntilThePeerHasThem) {
  const auto connection = open();

  send(*connection, 5000);
  EXPECT_EQ(frames(), "hello pull#1:5000 ");
  EXPECT_EQ(offers().at(0).bytes, bytes_.data()) << "no copy";
  EXPECT_EQ(released_, 0);
  EXPECT_EQ(connection->unsent_bytes(), 5000u);
  EXPECT_FALSE(connection->is_flushed());

  receive(PacketBytes().add(wire::Pulled{1}).str());

  EXPECT_EQ(released_, 1);
  EXPECT_TRUE(offers().at(0).is_withdrawn);
  EXPECT_TRUE(connection->is_flushed());
}

TEST_F(Bulk, KeepsMemoryThatTheTransportMayStillReadWhateverThePeerSays) {
  const auto connection = open();
  conn().bulk.retire_status = TT_PENDING;
  send(*connection, 5000);

  receive(PacketBytes().add(wire::Pulled{1}).str());
  EXPECT_TRUE(offers().at(0).is_withdrawn);
  EXPECT_TRUE(connection->is_flushed()) << "nobody needs to wait for it";
  EXPECT_EQ(released_, 0);
  ASSERT_EQ(conn().bulk.retired.size(), 1u);
  fake_.bulk(conn(), conn().bulk.retired[0], TT_OK);
  turn();

  EXPECT_EQ(released_, 1);
}

TEST_F(Bulk, ReleasesWhatWasStillReadWithItsConnection) {
  const auto connection = open();
  conn().bulk.retire_status = TT_PENDING;
  send(*connection, 5000);
  receive(PacketBytes().add(wire::Pulled{1}).str());

  fake_.closed(conn(), TT_E_RESET, "killed");
  turn();

  EXPECT_EQ(released_, 1);
}

TEST_F(Bulk, SendsPacketsToPeersThatDoNotPull) {
  peer_features_ = 0;
  const auto connection = open();

  send(*connection, 5000);

  EXPECT_EQ(frames(), "hello request:h#1 ");
}

TEST_F(Bulk, SendsSmallPayloadsInPackets) {
  const auto connection = open();

  send(*connection, 999);

  EXPECT_EQ(frames(), "hello request:h#1 ");
}

TEST_F(Bulk, LendsNoMoreThanItsBound) {
  limits_.message_bytes_max = limits_.queue_bytes_max = std::size_t{1} << 30;
  peer_frame_bytes_max_ = 1 << 30;
  const auto connection = open();

  for (int i = 0; i < 65; ++i) send(*connection, 1 << 20);

  EXPECT_EQ(offers().size(), BulkLeases::bytes_max >> 20);
  EXPECT_TRUE(frames().ends_with("request:#1 ")) << "the last one as a packet";
}

TEST_F(Bulk, TakesAWithdrawnCallsMemoryBack) {
  const auto connection = open();
  fake_.send_status = TT_E_AGAIN;
  NotedSink sink;
  send(*connection, 5000, &sink);
  const wire::CallId first = last_;
  send(*connection, 5000, &sink);  // its handler has a number by now

  connection->abandon(last_);
  flush();

  EXPECT_TRUE(offers().at(1).is_withdrawn);
  EXPECT_FALSE(offers().at(0).is_withdrawn) << "its frame gives the handler its name";
  EXPECT_EQ(released_, 1);
  connection->abandon(first);
}

TEST_F(Bulk, KeepsTheMemoryOfACallThatEndedUntilThePeerHasIt) {
  const auto connection = open();
  NotedSink sink;
  send(*connection, 5000, &sink);

  connection->cancel(last_, detail::CallCanceller::Scope::any);
  flush();
  EXPECT_TRUE(sink.is_done());
  EXPECT_EQ(released_, 0);
  receive(PacketBytes().add(wire::Pulled{1}).str());

  EXPECT_EQ(released_, 1);
}

TEST_F(Bulk, ClosesOnceThePeerHasWhatItWasLent) {
  limits_.close_timeout = 5s;
  const auto connection = open();
  send(*connection, 5000);

  connection->close(Error(Errc::connection_lost, "leaving"));
  EXPECT_FALSE(conn().close_flags.has_value());
  receive(PacketBytes().add(wire::Pulled{1}).str());

  EXPECT_EQ(conn().close_flags, 0u);
  EXPECT_EQ(released_, 1);
}

TEST_F(Bulk, ClosesAfterItsTimeoutWhatNobodyPulls) {
  limits_.close_timeout = 5s;
  const auto connection = open();
  send(*connection, 5000);

  connection->close(Error(Errc::connection_lost, "leaving"));
  advance(5s);
  EXPECT_EQ(conn().close_flags, static_cast<std::uint32_t>(TT_CLOSE_ABORT));
  EXPECT_EQ(released_, 0) << "the transport may still read it";
  fake_.finish_closes();
  turn();

  EXPECT_EQ(released_, 1);
}

TEST_F(Bulk, GivesMemoryBackWhenThePeerDies) {
  const auto connection = open();
  NotedSink sink;
  send(*connection, 5000, &sink);

  fake_.closed(conn(), TT_E_RESET, "killed");
  turn();

  EXPECT_EQ(released_, 1);
  EXPECT_EQ(sink.error().ran, Ran::maybe);
}

TEST_F(Bulk, PullsWhatIsAnnouncedAndConfirmsIt) {
  open();
  fakes::FakeRx rx{.bytes = std::string(3000, 'p')};

  receive_pull(9, 3000);
  EXPECT_EQ(requests_, "");
  ASSERT_EQ(gets().size(), 1u);
  EXPECT_EQ(gets()[0].range.key, 77u);
  EXPECT_EQ(gets()[0].range.address, 5000u);
  EXPECT_EQ(gets()[0].range.bytes, 3000u);
  finish_get(gets()[0].op, rx);

  EXPECT_EQ(requests_, "h(pppppppp) ");
  EXPECT_EQ(frames(), "hello pulled#9 ");
  EXPECT_EQ(rx.releases, 1);
}

TEST_F(Bulk, KeepsTheOrderOfWhatComesMeanwhile) {
  open();
  fakes::FakeRx rx{.bytes = std::string(3000, 'p')};
  const auto small = [](std::uint64_t generation, std::string_view payload) {
    return wire::Request{.call = wire::CallId::make(2, generation),
                         .handler = 1,
                         .mode = DeliveryMode::with_response,
                         .payload = as_bytes(payload)};
  };
  PacketBytes first;

  receive(pull(first, 1, 3000).add(small(1, "same")).str());
  receive(PacketBytes().add(small(2, "next")).str());
  PacketBytes second;
  receive(pull(second, 2, 3000, "").add(small(3, "last")).str());
  EXPECT_EQ(requests_, "");
  finish_get(gets().at(0).op, rx);
  EXPECT_EQ(requests_, "h(pppppppp) h(same) h(next) ");
  fakes::FakeRx other{.bytes = std::string(3000, 'q')};
  finish_get(gets().at(1).op, other);

  EXPECT_EQ(requests_, "h(pppppppp) h(same) h(next) h(qqqqqqqq) h(last) ");
  EXPECT_EQ(rx.releases, 1);
}

TEST_F(Bulk, ReadsAheadAndKeepsTheOrder) {
  open();
  std::deque<fakes::FakeRx> rx;
  for (const char letter : {'a', 'b', 'c'}) rx.push_back({.bytes = std::string(3000, letter)});

  receive_pull(1, 3000);
  PacketBytes both;
  pull(both, 2, 3000, "");
  receive(pull(both, 3, 3000, "").str());
  ASSERT_EQ(gets().size(), 3u);
  finish_get(gets()[2].op, rx[2]);
  finish_get(gets()[1].op, rx[1]);
  EXPECT_EQ(requests_, "");
  EXPECT_EQ(frames(), "hello pulled#3 pulled#2 ") << "the peer has its memory back";
  finish_get(gets()[0].op, rx[0]);

  EXPECT_EQ(requests_, "h(aaaaaaaa) h(bbbbbbbb) h(cccccccc) ");
  for (const fakes::FakeRx& one : rx) EXPECT_EQ(one.releases, 1);
}

TEST_F(Bulk, ReadsNoFurtherAheadThanItsBound) {
  open();
  constexpr std::size_t size = BulkPulls::ahead_bytes_max / 5;
  for (std::uint64_t lease = 1; lease <= 7; ++lease) receive_pull(lease, size);
  EXPECT_EQ(gets().size(), 5u);
  fakes::FakeRx rx{.bytes = std::string(size, 'p')};

  finish_get(gets()[0].op, rx);

  EXPECT_EQ(requests_, "h(pppppppp) ");
  EXPECT_EQ(gets().size(), 6u);
}

TEST_F(Bulk, HandlesWhatCameBeforeAPayloadThatCannotBeRead) {
  open();
  receive_pull(1, 3000);
  receive_pull(2, 3000);
  fakes::FakeRx rx{.bytes = std::string(3000, 'p')};

  fake_.bulk(conn(), gets().at(1).op, TT_E_RESET);
  turn();
  EXPECT_EQ(closed_.size(), 0u);
  finish_get(gets().at(0).op, rx);
  fake_.finish_closes();
  turn();

  EXPECT_EQ(requests_, "h(pppppppp) ");
  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_TRUE(closed_[0].is(Errc::connection_lost));
}

TEST_F(Bulk, PullsRepliesToo) {
  const auto connection = open();
  NotedSink sink;
  ASSERT_TRUE(call(*connection, &sink).has_value());
  const std::string text(5000, 'r');
  wire::Reply reply{.call = wire::CallId::make(0, 1), .payload = as_bytes(text)};
  wire::PacketReader sent(as_bytes(conn().sent.back().bytes), 4096);
  reply.call = std::get<wire::Request>(**sent.next()).call;
  wire::Buffer head;
  wire::append_without_payload(head, reply);

  receive(PacketBytes()
              .add(wire::Pull{
                  .lease = 3, .frame = {head.data(), head.size()}, .payload_bytes = text.size()})
              .str());
  fakes::FakeRx rx{.bytes = text};
  finish_get(gets().at(0).op, rx);

  ASSERT_TRUE(sink.is_done());
  EXPECT_EQ(sink.outcome->value().payload.text(), text);
  EXPECT_EQ(sink.outcome->value().payload.data(),
            reinterpret_cast<const std::byte*>(rx.bytes.data()))
      << "no copy";
}

TEST_F(Bulk, EndsAConnectionWhosePayloadCannotBeRead) {
  const auto connection = open();
  receive_pull(1, 3000);

  fake_.bulk(conn(), gets().at(0).op, TT_E_RESET);
  turn();
  fake_.finish_closes();
  turn();

  EXPECT_EQ(requests_, "");
  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_TRUE(closed_[0].is(Errc::connection_lost));
}

TEST_F(Bulk, DoesNotPullFromAPeerThatIsGone) {
  turn_.frames = 1;
  const auto connection = open();
  PacketBytes packet;
  packet.add(wire::Request{.call = wire::CallId::make(2, 1),
                           .handler = 1,
                           .mode = DeliveryMode::with_response,
                           .handler_name = "h",
                           .payload = as_bytes("first")});
  fake_.packet(conn(), pull(packet, 1, 3000, "").str());
  fake_.closed(conn(), TT_E_CLOSED);

  turn();
  turn();

  EXPECT_EQ(requests_, "h(first) ");
  EXPECT_TRUE(gets().empty());
  ASSERT_EQ(closed_.size(), 1u);
}

TEST_F(Bulk, ForgetsAPullThatEndsAfterItsConnectionWasClosed) {
  const auto connection = open();
  receive_pull(1, 3000);
  fakes::FakeRx rx{.bytes = std::string(3000, 'p')};

  connection->close(Error(Errc::connection_lost, "leaving"));
  finish_get(gets().at(0).op, rx);

  EXPECT_EQ(requests_, "");
  EXPECT_EQ(rx.releases, 1);
}

TEST_F(Bulk, RefusesPullsThatItDidNotOffer) {
  fake_.has_bulk = false;
  engine::Transport* const plain = [&] {
    const std::lock_guard lock(engine_.mutex());
    return engine_.transport(fake_.plugin(), "plain").value();
  }();
  transport_ = plain;
  open();

  receive_pull(1, 3000);

  EXPECT_TRUE(gets().empty());
  EXPECT_NE(violations_.find("did not offer"), std::string::npos) << violations_;
}

TEST_F(Bulk, RefusesPullsAboveTheLimitOfMessages) {
  limits_.message_bytes_max = 10'000;
  open();

  receive_pull(1, 10'001);

  EXPECT_TRUE(gets().empty());
  EXPECT_NE(violations_.find("the limit is 10000"), std::string::npos) << violations_;
}

TEST_F(Bulk, IgnoresConfirmationsOfNothing) {
  const auto connection = open();
  send(*connection, 5000);

  receive(PacketBytes().add(wire::Pulled{1}).add(wire::Pulled{1}).add(wire::Pulled{99}).str());

  EXPECT_EQ(released_, 1);
  EXPECT_TRUE(connection->is_open());
}

}  // namespace
}  // namespace trestle::peers
