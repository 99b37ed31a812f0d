// SIGSTOP of a server for less and for longer than dead_after, and SIGCONT.
#include <signal.h>

#include "fault_rig.hpp"

namespace trestle::faults {
namespace {

class Stop : public FaultRig, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Transports, Stop,
                         ::testing::Values("tcp://127.0.0.1:0", "zmq+tcp://127.0.0.1:0"),
                         [](const auto& kind) {
                           const std::string uri = kind.param;
                           return uri.substr(0, uri.find_first_of("+:"));
                         });

TEST_P(Stop, ForHalfOfDeadAfterIsNoLoss) {
  start_server(GetParam());
  connect();
  auto hanging = call("hang");
  ASSERT_TRUE(events.wait_for(1s).has_value()) << "it came";

  server().signal(SIGSTOP);
  expect_peace(dead_after / 2);
  server().signal(SIGCONT);
  expect_peace(1s);

  EXPECT_EQ(hanging.wait_for(0s), std::future_status::timeout);
  expect_recovery();
}

TEST_P(Stop, ForTwiceDeadAfterIsALossAndItComesBack) {
  start_server(GetParam());
  connect();
  auto hanging = call("hang");

  server().signal(SIGSTOP);
  expect_gone();
  tally.expect_end(hanging);
  EXPECT_EQ(tally.failed, 1);
  events.wait_for(dead_after);
  server().signal(SIGCONT);

  expect_recovery();
}

TEST_P(Stop, ForTenTimesDeadAfterIsALossAndItComesBack) {
  start_server(GetParam());
  connect();
  auto hanging = call("hang");

  server().signal(SIGSTOP);
  expect_gone();
  tally.expect_end(hanging);
  auto unsent = call("echo");  // while it is stopped
  tally.expect_end(unsent);
  EXPECT_EQ(tally.failed, 2);
  for (const TimePoint end = client.now() + 9 * dead_after; client.now() < end;) {
    events.wait_for(end - client.now());
  }
  server().signal(SIGCONT);

  expect_recovery();
}

TEST_P(Stop, OfOneThatHasHeartbeatsRaisesNoFalseAlarmThere) {
  start_server(GetParam());
  // This side judges nobody, so whatever ends the connection is the server's doing.
  Node patient({.heartbeat = 0s});
  PeerEvents seen = patient.peer_events();
  const Peer there = patient.connect(uri_).value();
  ASSERT_TRUE(seen.wait_for(1s).has_value());

  server().signal(SIGSTOP);
  EXPECT_FALSE(seen.wait_for(10 * dead_after).has_value());
  server().signal(SIGCONT);

  EXPECT_FALSE(seen.wait_for(4 * dead_after).has_value()) << "it took us for dead";
  EXPECT_TRUE(there.call<Payload>("echo", Payload()).has_value());
}

}  // namespace
}  // namespace trestle::faults
