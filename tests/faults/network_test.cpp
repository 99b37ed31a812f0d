// A network that swallows everything, and a kernel that ends connections: in a network namespace
// that the test makes for itself.
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>

#include "fault_rig.hpp"

namespace trestle::faults {
namespace {

/// Ups or downs the loopback of the present namespace.
bool set_loopback(short flags) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof(request.ifr_name) - 1);
  request.ifr_flags = flags;
  const bool done = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return done;
}

/// From now on this thread, those it starts and its children are alone with a loopback of their
/// own. Made before the client, whose threads shall be there, too.
struct OwnNetwork {
  OwnNetwork() : is_there(::unshare(CLONE_NEWNET) == 0 && set_loopback(IFF_UP)) {}
  bool is_there;
};

class Network : private OwnNetwork, public FaultRig {
 protected:
  void SetUp() override {
    if (!is_there) {
      GTEST_SKIP() << "a network namespace of one's own needs root: " << std::strerror(errno);
    }
    start_server("tcp://127.0.0.1:0");
  }
  static void swallow() { ASSERT_TRUE(set_loopback(0)); }
  static void heal() { ASSERT_TRUE(set_loopback(IFF_UP)); }
};

TEST_F(Network, ThatSwallowsAnIdleConnectionIsNoticedByTheHeartbeat) {
  connect();
  auto hanging = call("hang");
  ASSERT_TRUE(recover(recovery_max).has_value());

  swallow();
  expect_gone();
  tally.expect_end(hanging);
  EXPECT_EQ(tally.failed, 1);
  heal();

  expect_recovery();
}

TEST_F(Network, ThatSwallowsALargePayloadIsNoticedByTheHeartbeat) {
  connect();
  auto large = call("hang", Payload::copy(std::string(32 << 20, 'x')));
  swallow();
  expect_gone();
  tally.expect_end(large);
  heal();

  expect_recovery();
}

TEST_F(Network, ThatSwallowsWhatWasSentIsNoticedByTheKernelWithoutHeartbeats) {
  Node patient({.heartbeat = 0s, .reconnect_window = 0s});
  PeerEvents seen = patient.peer_events();
  const Peer there = patient.connect(uri_ + "?user_timeout=500ms").value();
  ASSERT_TRUE(seen.wait_for(1s).has_value());

  swallow();
  const auto outcome = there.with_timeout(30s).call<Payload>("echo", Payload());

  EXPECT_TRUE(outcome.error().is(Errc::connection_lost)) << outcome.error();
  EXPECT_EQ(outcome.error().ran, Ran::maybe);
  heal();

  const TimePoint healed = patient.now();
  EXPECT_TRUE(there.with_timeout(recovery_max).call<Payload>("echo", Payload()).has_value());
  EXPECT_LE(patient.now() - healed, recovery_max);
}

TEST_F(Network, WhoseKernelEndsConnectionsAtRandomLosesNothingUnsaid) {
  if (::access("/usr/bin/ss", X_OK) != 0 && ::access("/bin/ss", X_OK) != 0) {
    GTEST_SKIP() << "ss (Debian package iproute2) is not there";
  }
  connect();
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Payload large = Payload::copy(std::string(1 << 20, 'x'));

  for (int kill = 0; kill < 25 && !HasFailure(); ++kill) {
    std::vector<Outcome> under_way;
    under_way.push_back(call("hang"));
    for (int i = 0; i < 4; ++i) under_way.push_back(i % 2 == 0 ? call("echo", large) : fill(1000));
    // Into the middle of them, or after all but the first.
    under_way.at(1 + random() % 4).wait_for(std::chrono::microseconds(random() % 20'000));
    // Only this namespace's sockets are in reach of it.
    ASSERT_EQ(std::system("ss -K state established > /dev/null 2>&1"), 0);
    const int failed = tally.failed;
    for (Outcome& outcome : under_way) tally.expect_end(outcome);
    EXPECT_GT(tally.failed, failed) << "nobody answers the first";
    expect_recovery();
  }
  EXPECT_EQ(tally.sent, tally.completed + tally.failed);
}

}  // namespace
}  // namespace trestle::faults
