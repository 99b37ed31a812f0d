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

/// A receiver that is alive and reads nothing, for longer than any part of a connection may guess.
class Deaf : public FaultRig {
 protected:
  // Without heartbeats: what ends the connection is the transport's doing.
  static NodeOptions patient_options() { return {.heartbeat = 0s, .reconnect_window = 0s}; }
  /// More than the kernels on both sides take, sent to a server that is stopped meanwhile.
  std::vector<Outcome> send_past(const Peer& there, std::chrono::nanoseconds time);

  Node patient{patient_options()};
  PeerEvents seen = patient.peer_events();
};

std::vector<Outcome> Deaf::send_past(const Peer& there, std::chrono::nanoseconds time) {
  server().signal(SIGSTOP);
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 16; ++i) {
    auto promise = std::make_shared<std::promise<Result<Payload>>>();
    outcomes.push_back(promise->get_future());
    there.with_timeout(60s).async_call<Payload>(
        "echo", Payload::copy(std::string(1 << 20, 'x')),
        [promise](Result<Payload> result) { promise->set_value(std::move(result)); });
  }
  seen.wait_for(time);
  server().signal(SIGCONT);
  return outcomes;
}

TEST_F(Deaf, ForLongerThanThreeSecondsLosesNothing) {
  start_server("tcp://127.0.0.1:0");
  const Peer there = patient.connect(uri_).value();
  ASSERT_TRUE(seen.wait_for(1s).has_value());

  auto outcomes = send_past(there, 5s);

  for (Outcome& outcome : outcomes) {
    const auto reply = outcome.get();
    EXPECT_TRUE(reply.has_value()) << reply.error();
  }
}

TEST_F(Deaf, ForLongerThanUserTimeoutIsALoss) {
  start_server("tcp://127.0.0.1:0");
  const Peer there = patient.connect(uri_ + "?user_timeout=1s").value();
  ASSERT_TRUE(seen.wait_for(1s).has_value());

  auto outcomes = send_past(there, 5s);

  const TimePoint resumed = patient.now();
  EXPECT_TRUE(outcomes.back().get().error().is(Errc::connection_lost));
  EXPECT_TRUE(there.with_timeout(recovery_max).call<Payload>("echo", Payload()).has_value());
  EXPECT_LE(patient.now() - resumed, recovery_max);
}

}  // namespace
}  // namespace trestle::faults
