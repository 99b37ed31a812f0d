// What the kernel is told about peers that do not answer.
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <vector>

#include "driven_transport.hpp"

namespace trestle::tcp::testing {
namespace {

/// What this process's connected TCP sockets have set, in order.
std::vector<int> set_on_connections(int level, int option) {
  std::vector<int> values;
  for (int fd = 3; fd < 256; ++fd) {
    sockaddr_storage peer{};
    socklen_t peer_size = sizeof(peer);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) continue;
    if (peer.ss_family != AF_INET) continue;
    int value = -1;
    socklen_t size = sizeof(value);
    ::getsockopt(fd, level, option, &value, &size);
    values.push_back(value);
  }
  std::sort(values.begin(), values.end());
  return values;
}

TEST(Liveness, UnacknowledgedBytesAloneEndNoConnectionUnlessToldTo) {
  const Linked link("tcp://127.0.0.1:0", {});

  EXPECT_EQ(set_on_connections(IPPROTO_TCP, TCP_USER_TIMEOUT), (std::vector<int>{0, 0}));
}

TEST(Liveness, IdleConnectionsAreProbedAfterThreeSeconds) {
  const Linked link("tcp://127.0.0.1:0", {});

  EXPECT_EQ(set_on_connections(SOL_SOCKET, SO_KEEPALIVE), (std::vector<int>{1, 1}));
  EXPECT_EQ(set_on_connections(IPPROTO_TCP, TCP_KEEPIDLE), (std::vector<int>{3, 3}));
  EXPECT_EQ(set_on_connections(IPPROTO_TCP, TCP_KEEPINTVL), (std::vector<int>{1, 1}));
  EXPECT_EQ(set_on_connections(IPPROTO_TCP, TCP_KEEPCNT), (std::vector<int>{3, 3}));
}

TEST(Liveness, FollowsTheOptions) {
  Opening opening;
  opening.options = {{"user_timeout", "1500ms"}, {"keepalive", "60s"}};
  const Linked link("tcp://127.0.0.1:0", opening);

  EXPECT_EQ(set_on_connections(IPPROTO_TCP, TCP_USER_TIMEOUT), (std::vector<int>{1500, 1500}));
  EXPECT_EQ(set_on_connections(IPPROTO_TCP, TCP_KEEPIDLE), (std::vector<int>{60, 60}));
}

TEST(Liveness, ProbesAreSwitchedOffByThemselves) {
  Opening opening;
  opening.options = {{"user_timeout", "5s"}, {"keepalive", "0s"}};
  const Linked link("tcp://127.0.0.1:0", opening);

  EXPECT_EQ(set_on_connections(IPPROTO_TCP, TCP_USER_TIMEOUT), (std::vector<int>{5000, 5000}));
  EXPECT_EQ(set_on_connections(SOL_SOCKET, SO_KEEPALIVE), (std::vector<int>{0, 0}));
}

TEST(Liveness, HasLimits) {
  DrivenTransport transport({});

  const auto most = transport.connect("tcp://127.0.0.1:1?user_timeout=86400s&keepalive=32767s");
  const auto longer = transport.connect("tcp://127.0.0.1:1?user_timeout=86401s");
  const auto idler = transport.connect("tcp://127.0.0.1:1?keepalive=32768s");

  EXPECT_NE(most.status, TT_E_ADDR) << most.text;
  EXPECT_EQ(longer.status, TT_E_ADDR);
  EXPECT_NE(longer.text.find("the limits are 24h and 32767s"), std::string::npos) << longer.text;
  EXPECT_EQ(idler.status, TT_E_ADDR);
}

}  // namespace
}  // namespace trestle::tcp::testing
