// Who is pinged, who is dead, and who is not although all was silent.
#include "peers/heartbeat.hpp"

#include <gmock/gmock.h>

#include "connection_rig.hpp"

namespace trestle::peers {
namespace {

using ::testing::HasSubstr;

class HeartbeatOf : public ConnectionRig {
 protected:
  HeartbeatOf() : peer(open()) { heartbeat.watch(*peer); }

  /// So many pings were sent.
  int pings() {
    const std::string sent = frames(fake_.conns.front());
    int count = 0;
    for (auto at = sent.find("ping"); at != std::string::npos; at = sent.find("ping", at + 1)) {
      ++count;
    }
    return count;
  }
  void hear(fakes::FakeConn& from) { fake_.packet(from, PacketBytes().str()); }
  void wait(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 10ms) advance(10ms);
  }

  Heartbeat heartbeat{engine_, {.interval = 1s, .dead_after = 3s}};
  std::shared_ptr<Connection> peer;
};

TEST_F(HeartbeatOf, ASilentPeerPingsItAndEndsItsConnectionAfterDeadAfter) {
  NotedSink sink;
  ASSERT_TRUE(call(*peer, &sink).has_value());

  wait(2990ms);
  EXPECT_TRUE(peer->is_open());
  EXPECT_GE(pings(), 1);
  wait(20ms);

  EXPECT_TRUE(peer->is_closing());
  ASSERT_TRUE(sink.is_done()) << "told at once, not when the transport is done";
  EXPECT_TRUE(sink.error().is(Errc::connection_lost));
  EXPECT_EQ(sink.error().ran, Ran::maybe);
  EXPECT_THAT(sink.error().text, HasSubstr("the peer is dead"));
  EXPECT_THAT(sink.error().text, HasSubstr("dead_after is 3000 ms"));
  EXPECT_EQ(conn().close_flags, std::uint32_t{TT_CLOSE_ABORT});
}

TEST_F(HeartbeatOf, AnIdlePeerThatAnswersPingsItOncePerInterval) {
  for (int second = 0; second < 100; ++second) {
    const int before = pings();
    wait(1s);
    EXPECT_LE(pings() - before, 1);
    if (pings() != before) receive(PacketBytes().add(wire::Pong{~0ull}).str());
  }

  EXPECT_TRUE(peer->is_open());
  EXPECT_GE(pings(), 90);
  EXPECT_EQ(strays_, 0);
}

TEST_F(HeartbeatOf, APeerThatSendsAnythingIsNotDead) {
  for (int i = 0; i < 40; ++i) {
    wait(2500ms);
    hear(conn());
    turn();
  }

  EXPECT_TRUE(peer->is_open());
}

TEST_F(HeartbeatOf, ANodeThatStoodStillReadsFirstAndJudgesLater) {
  wait(500ms);

  advance(30s);  // as after a SIGSTOP: one turn long after all that was due
  EXPECT_TRUE(peer->is_open());
  EXPECT_GE(pings(), 1);
  receive(PacketBytes().add(wire::Pong{~0ull}).str());
  wait(2s);

  EXPECT_TRUE(peer->is_open());
}

TEST_F(HeartbeatOf, ANodeThatStoodStillJudgesNobodyByAPingFromBefore) {
  wait(1s);
  ASSERT_EQ(pings(), 1);

  advance(30s);  // the pong came meanwhile, and is not read yet
  EXPECT_TRUE(peer->is_open());
  receive(PacketBytes().add(wire::Pong{~0ull}).str());
  wait(2s);

  EXPECT_TRUE(peer->is_open());
}

TEST_F(HeartbeatOf, ANodeThatStoodStillGivesSilentPeersOneInterval) {
  advance(30s);
  wait(990ms);
  EXPECT_TRUE(peer->is_open());
  wait(20ms);

  EXPECT_TRUE(peer->is_closing());
}

TEST_F(HeartbeatOf, ANodeThatIsAlwaysLateStillFindsTheDead) {
  for (int i = 0; i < 6; ++i) advance(1600ms);

  EXPECT_TRUE(peer->is_closing());
}

TEST_F(HeartbeatOf, APeerThatTakesALongQueueIsNotDead) {
  fake_.sends_left = 0;
  for (int i = 0; i < 3000; ++i)
    ASSERT_TRUE(call(*peer, nullptr, "h", {}, std::string(1000, 'x')).has_value());
  wait(1100ms);  // the ping is behind all of that
  for (int i = 0; i < 10; ++i) {
    fake_.sends_left = 1;
    fake_.writable(conn());
    wait(1s);
  }

  EXPECT_TRUE(peer->is_open());
}

TEST_F(HeartbeatOf, APeerWhoseLargePacketIsOnItsWayIsNotDead) {
  for (int i = 0; i < 20; ++i) {
    conn().bytes_received += 100'000;
    wait(1s);
  }
  EXPECT_TRUE(peer->is_open());
  wait(3010ms);

  EXPECT_TRUE(peer->is_closing()) << "and that stopped";
}

TEST_F(HeartbeatOf, APeerThatTakesNothingIsDeadAlsoBehindALongQueue) {
  fake_.send_status = TT_E_AGAIN;
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(call(*peer, nullptr, "h", {}, std::string(1000, 'x')).has_value());

  wait(3010ms);

  EXPECT_TRUE(peer->is_closing());
}

TEST_F(HeartbeatOf, ANodeThatIsHeldUpSaysUnaskedThatItLives) {
  for (int i = 1; i <= 3; ++i) {
    heartbeat.beat_unasked(100ms);
    turn();
    EXPECT_EQ(pings(), i);
    clock_.advance(75ms);
  }

  EXPECT_TRUE(peer->is_open());
}

TEST_F(HeartbeatOf, ANodeThatIsHeldUpSaysSoNoMoreOftenThanIsOfUse) {
  heartbeat.beat_unasked(100ms);
  turn();
  clock_.advance(75ms - 1ns);

  heartbeat.beat_unasked(100ms);
  turn();

  EXPECT_EQ(pings(), 1);
}

TEST_F(HeartbeatOf, ANodeThatIsHeldUpQueuesOnePingAtMost) {
  fake_.send_status = TT_E_AGAIN;
  const std::size_t before = peer->queued_bytes();
  heartbeat.beat_unasked(1ms);
  const std::size_t with_one = peer->queued_bytes();
  for (int i = 0; i < 10; ++i) {
    clock_.advance(1ms);
    heartbeat.beat_unasked(1ms);
  }

  EXPECT_GT(with_one, before);
  EXPECT_EQ(peer->queued_bytes(), with_one);
}

TEST_F(HeartbeatOf, AnIntervalOfNothingNeverBeats) {
  heartbeat.follow({.interval = 0s, .dead_after = 3s});
  wait(60s);

  EXPECT_TRUE(peer->is_open());
  EXPECT_EQ(pings(), 0);
  EXPECT_EQ(engine_.next_timer(), std::nullopt);
}

TEST_F(HeartbeatOf, DeadAfterCountsAsTwoIntervalsAtLeast) {
  heartbeat.follow({.interval = 1s, .dead_after = 1s});
  EXPECT_EQ(heartbeat.rhythm().dead_after, 2s);

  wait(1990ms);
  EXPECT_TRUE(peer->is_open());
  wait(1s);
  EXPECT_TRUE(peer->is_closing());
}

TEST_F(HeartbeatOf, ConnectionsThatAreForgottenLeavesNoTimer) {
  heartbeat.forget(*peer);

  EXPECT_EQ(engine_.next_timer(), std::nullopt);
}

TEST_F(HeartbeatOf, APeerThatOpenedTheConnectionFindsItDeadWithinOneIntervalMore) {
  heartbeat.forget(*peer);
  const auto inbound = accept(InstanceId::from_halves(0, 77));
  heartbeat.watch(*inbound);

  wait(2990ms);
  EXPECT_TRUE(inbound->is_open());
  wait(1010ms);
  EXPECT_TRUE(inbound->is_closing());
}

}  // namespace
}  // namespace trestle::peers
