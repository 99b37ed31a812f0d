// What one connection may have handled in a turn, and what becomes of the rest.
#include <gmock/gmock.h>

#include "peers/backlog.hpp"
#include "peers/connection_rig.hpp"

namespace trestle::peers {
namespace {

using ::testing::HasSubstr;

class Input : public ConnectionRig {
 protected:
  Input() { turn_ = {.frames = 4, .bytes = 1000}; }

  /// Requests for handler 1, which the first of all names; the payload numbers them.
  PacketBytes requests(int first, int count, std::size_t payload_bytes = 1) {
    PacketBytes packet;
    for (int i = first; i < first + count; ++i) {
      payloads_.push_back(std::to_string(i % 10) + std::string(payload_bytes - 1, '.'));
      packet.add(wire::Request{.call = wire::CallId::make(wire::CallId::no_slot, 0),
                               .handler = 1,
                               .handler_name = i == 0 ? "h" : "",
                               .payload = as_bytes(payloads_.back())});
    }
    return packet;
  }
  std::string handled() { return std::exchange(requests_, {}); }

  void on_input_waiting(Connection& connection) override {
    if (!backlog_) return ConnectionRig::on_input_waiting(connection);
    backlog_->add(connection);
  }

  std::deque<std::string> payloads_;
  std::optional<Backlog> backlog_;
};

TEST_F(Input, IsHandledAsFarAsTheShareOfATurnGoes) {
  const auto connection = open();

  receive(requests(0, 10).str());
  EXPECT_EQ(handled(), "h(0) h(1) h(2) h(3) ");
  turn();
  EXPECT_EQ(handled(), "h(4) h(5) h(6) h(7) ");
  turn();
  EXPECT_EQ(handled(), "h(8) h(9) ");
  turn();
  EXPECT_EQ(handled(), "");
}

TEST_F(Input, InPacketsOfOneFrameKeepsToTheShareOfATurn) {
  const auto connection = open();

  for (int i = 0; i < 10; ++i) fake_.packet(conn(), requests(i, 1).str());
  turn();
  EXPECT_EQ(handled(), "h(0) h(1) h(2) h(3) ");
  fake_.packet(conn(), requests(10, 1).str());
  turn();
  EXPECT_EQ(handled(), "h(4) h(5) h(6) h(7) ");
  turn();
  EXPECT_EQ(handled(), "h(8) h(9) h(0) ");
  EXPECT_TRUE(waiting_.empty());
}

TEST_F(Input, InPacketsOfOneLargeFrameKeepsToTheShareOfATurn) {
  const auto connection = open();

  for (int i = 0; i < 5; ++i) fake_.packet(conn(), requests(i, 1, 500).str());
  turn();
  EXPECT_EQ(handled(), "h(0.......) h(1.......) ");
  turn();
  EXPECT_EQ(handled(), "h(2.......) h(3.......) ");
  turn();
  EXPECT_EQ(handled(), "h(4.......) ");
}

TEST_F(Input, InPacketsOfOneFrameThatTheTransportLendsIsGivenBackWhenItIsHandled) {
  turn_.frames = 1;
  const auto connection = open();
  fakes::FakeRx first{requests(0, 1).str()};
  fakes::FakeRx second{requests(1, 1).str()};

  fake_.packet(conn(), first);
  fake_.packet(conn(), second);
  turn();
  EXPECT_EQ(first.releases, 1);
  EXPECT_EQ(second.releases, 0);
  turn();

  EXPECT_EQ(second.releases, 1);
  EXPECT_EQ(handled(), "h(0) h(1) ");
}

TEST_F(Input, InPacketsOfOneFrameIsHandledBeforeTheEnd) {
  turn_.frames = 1;
  const auto connection = open();

  for (int i = 0; i < 3; ++i) fake_.packet(conn(), requests(i, 1).str());
  fake_.closed(conn(), TT_E_RESET, "gone");
  turn();
  turn();
  EXPECT_TRUE(closed_.empty());
  turn();

  EXPECT_EQ(handled(), "h(0) h(1) h(2) ");
  EXPECT_EQ(closed_.size(), 1u);
}

TEST_F(Input, OfExactlyTheShareNeedsNoOtherTurn) {
  const auto connection = open();

  receive(requests(0, 4).str());

  EXPECT_EQ(handled(), "h(0) h(1) h(2) h(3) ");
  EXPECT_TRUE(waiting_.empty());
}

TEST_F(Input, OfLargePayloadsIsBoundedByItsBytes) {
  const auto connection = open();

  receive(requests(0, 4, 500).str());
  EXPECT_EQ(handled(), "h(0.......) h(1.......) ");
  turn();
  EXPECT_EQ(handled(), "h(2.......) h(3.......) ");
}

TEST_F(Input, KeepsItsOrderAcrossPackets) {
  const auto connection = open();

  fake_.packet(conn(), requests(0, 6).str());
  fake_.packet(conn(), requests(6, 1).str());
  turn();
  receive(requests(7, 2).str());
  turn();

  EXPECT_EQ(handled(), "h(0) h(1) h(2) h(3) h(4) h(5) h(6) h(7) h(8) ");
}

TEST_F(Input, ThatTheTransportLendsIsGivenBackWhenItIsHandled) {
  const auto connection = open();
  fakes::FakeRx rx{requests(0, 6).str()};

  fake_.packet(conn(), rx);
  turn();
  EXPECT_EQ(rx.releases, 0);
  turn();

  EXPECT_EQ(rx.releases, 1);
  EXPECT_EQ(handled(), "h(0) h(1) h(2) h(3) h(4) h(5) ");
}

TEST_F(Input, ThatCameBeforeTheEndIsHandledBeforeTheEnd) {
  const auto connection = open();

  fake_.packet(conn(), requests(0, 6).str());
  fake_.closed(conn(), TT_E_RESET, "gone");
  turn();
  EXPECT_TRUE(closed_.empty());
  turn();

  EXPECT_EQ(handled(), "h(0) h(1) h(2) h(3) h(4) h(5) ");
  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_EQ(closed_[0].text, "gone");
  EXPECT_EQ(conn().closes, 0) << "the transport has freed it already";
}

TEST_F(Input, ThatBreaksTheRulesEndsWhatWaits) {
  const auto connection = open();
  PacketBytes packet = requests(0, 5);
  packet.add(hello_of());

  fake_.packet(conn(), packet.str());
  fake_.packet(conn(), requests(5, 5).str());
  turn();
  turn();
  turn();

  EXPECT_EQ(handled(), "h(0) h(1) h(2) h(3) h(4) ");
  EXPECT_EQ(violations_, "a second hello on one connection\n");
}

TEST_F(Input, OfAClosedConnectionIsDropped) {
  const auto connection = open();
  fakes::FakeRx rx{requests(0, 9).str()};
  fake_.packet(conn(), rx);
  turn();

  connection->abort(Error(Errc::connection_lost, "enough"));
  turn();
  fake_.finish_closes();
  turn();

  EXPECT_EQ(handled(), "h(0) h(1) h(2) h(3) ");
  EXPECT_EQ(rx.releases, 1);
}

TEST_F(Input, BeyondSomeBytesStopsTheTransportUntilItIsHandled) {
  turn_.bytes = 1 << 20;
  const auto connection = open();

  receive(requests(0, 12, 30'000).str());
  EXPECT_EQ(conn().pauses, std::vector<int>{1});
  turn();
  turn();

  EXPECT_EQ(conn().pauses, (std::vector<int>{1, 0}));
}

TEST_F(Input, BeyondSomeBytesIsHandledAtOnceIfTheTransportCannotStop) {
  turn_.bytes = 1 << 20;
  const auto connection = make(Opener::peer);
  const auto other = make(Opener::us);
  connection->attach_loopback(*other, {.instance = self_id, .frame_bytes_max = 1 << 20});
  const std::string packet = requests(0, 12, 30'000).str();

  engine::PacketSource source;
  connection->on_packet(as_bytes(packet), source);

  EXPECT_THAT(handled(), HasSubstr("h(7.......) h(8"));
  EXPECT_LT(connection->waiting_bytes(), 300'000u);
}

TEST_F(Input, IsSplitBetweenThoseThatHaveMore) {
  const TurnLimits limits{.frames = 1000, .bytes = 1'000'000};

  EXPECT_EQ(split(limits, 1).frames, 1000u);
  EXPECT_EQ(split(limits, 4).frames, 250u);
  EXPECT_EQ(split(limits, 4).bytes, 250'000u);
  EXPECT_EQ(split(limits, 5000).frames, 16u) << "less would cost more than it does for others";
  EXPECT_EQ(split({.frames = 3, .bytes = 10}, 5000).frames, 3u);
}

TEST_F(Input, OfAllConnectionsIsBoundedAndWhoHasMostGoes) {
  Backlog& backlog = backlog_.emplace(turn_, 2000u);
  const auto first = open();
  fakes::FakeConn& small = conn();
  const auto second = open(InstanceId::from_halves(0, 8));
  fakes::FakeConn& large = conn();

  fake_.packet(small, requests(0, 6, 100).str());
  fake_.packet(large, requests(0, 5, 300).str());
  engine_.collect();
  EXPECT_GT(first->waiting_bytes() + second->waiting_bytes(), 2000u);
  backlog.read_on();

  EXPECT_THAT(violations_, HasSubstr("more than 2000 bytes (input_bytes_max), and"));
  EXPECT_FALSE(first->is_closing());
  EXPECT_TRUE(second->is_closing());
  EXPECT_EQ(second->waiting_bytes(), 0u);
}

TEST_F(Input, OfAllConnectionsMayBeExactlyItsLimit) {
  const auto fill = [this](std::size_t bytes_max) {
    Backlog& backlog = backlog_.emplace(turn_, bytes_max);
    const auto first = open();
    fakes::FakeConn& small = conn();
    const auto second = open(InstanceId::from_halves(0, 8));
    fakes::FakeConn& large = conn();
    fake_.packet(small, requests(0, 6, 100).str());
    fake_.packet(large, requests(0, 9, 300).str());
    engine_.collect();
    const std::size_t bytes = first->waiting_bytes() + second->waiting_bytes();
    backlog.read_on();
    EXPECT_EQ(first->waiting_bytes() + second->waiting_bytes() <= bytes_max, true);
    EXPECT_FALSE(first->is_closing());
    const bool is_closed = second->is_closing();
    first->abort(Error(Errc::connection_lost, "enough"));
    second->abort(Error(Errc::connection_lost, "enough"));
    fake_.finish_closes();
    turn();
    return std::pair(bytes, is_closed);
  };
  const std::size_t bytes = fill(1 << 20).first;

  EXPECT_FALSE(fill(bytes).second);
  EXPECT_EQ(violations_, "");
  EXPECT_TRUE(fill(bytes - 1).second);
  EXPECT_THAT(violations_, HasSubstr("more than " + std::to_string(bytes - 1) +
                                     " bytes (input_bytes_max), and"));
}

}  // namespace
}  // namespace trestle::peers
