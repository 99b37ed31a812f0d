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
}

TEST_F(Network, WhoseKernelEndsAConnectionLosesNothingUnsaid) {
  if (::access("/usr/bin/ss", X_OK) != 0 && ::access("/bin/ss", X_OK) != 0) {
    GTEST_SKIP() << "ss (Debian package iproute2) is not there";
  }
  connect();
  auto hanging = call("hang");
  ASSERT_TRUE(recover(recovery_max).has_value());

  // Only this namespace's sockets are in reach of it.
  ASSERT_EQ(std::system("ss -K state established > /dev/null 2>&1"), 0);
  tally.expect_end(hanging);

  EXPECT_EQ(tally.failed, 1);
  expect_recovery();
}

}  // namespace
}  // namespace trestle::faults
