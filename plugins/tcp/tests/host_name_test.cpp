// Host names that need a lookup: on a helper thread, and not at all where threads are forbidden.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "driven_transport.hpp"
#include "raw_socket.hpp"

namespace trestle::tcp::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

/// Threads of this process; a lookup that another test gave up may still be ending.
std::ptrdiff_t threads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"),
                       std::filesystem::directory_iterator());
}

// "127.1" is no literal address to the parser, but every C library looks it up without a network.
TEST(HostNames, AreLookedUpOnAThreadThatWakesTheHost) {
  DrivenTransport server({});
  DrivenTransport client({});
  const auto port = port_in(server.uri(server.listen("tcp://127.0.0.1:0").value));

  Seen* conn = client.connect("tcp://127.1:" + std::to_string(port)).value;
  EXPECT_EQ(conn->up, 0);
  drive(
      {&client}, [&] { return conn->up == 1; }, "CONNECTED");

  EXPECT_EQ(client.info(*conn).peer_uri, "tcp://127.0.0.1:" + std::to_string(port));
}

TEST(HostNames, ThatDoNotExistCloseTheConnectionWithAText) {
  DrivenTransport client({});
  // A label above 63 bytes is refused by the resolver itself, before it asks anybody.
  const std::string name(70, 'x');

  const auto connecting = client.connect("tcp://" + name + ":1");
  ASSERT_EQ(connecting.status, TT_OK) << connecting.text;
  drive(
      {&client}, [&] { return connecting.value->closed == 1; }, "CLOSED");

  EXPECT_EQ(connecting.value->status, TT_E_UNREACHABLE);
  EXPECT_THAT(connecting.value->text, HasSubstr("cannot look up the host name \"" + name));
}

TEST(HostNames, NeedThreads) {
  DrivenTransport client({.flags = TT_OPEN_NO_THREADS});
  const auto before = threads();

  const auto connecting = client.connect("tcp://example.invalid:1");

  EXPECT_EQ(connecting.status, TT_E_UNSUPPORTED);
  EXPECT_THAT(connecting.text, HasSubstr("needs a thread"));
  EXPECT_LE(threads(), before);
  EXPECT_EQ(client.attributes().caps & TT_CAP_OWN_THREADS, 0u);
}

TEST(HostNames, LocalhostAndLiteralsNeedNoThread) {
  DrivenTransport server({.flags = TT_OPEN_NO_THREADS});
  DrivenTransport client({.flags = TT_OPEN_NO_THREADS});
  const auto before = threads();
  const auto port = port_in(server.uri(server.listen("tcp://*:0").value));

  Seen* conn = client.connect("tcp://localhost:" + std::to_string(port)).value;
  drive(
      {&client}, [&] { return conn->up == 1; }, "CONNECTED");

  EXPECT_LE(threads(), before);
}

TEST(HostNames, AClosedConnectionForgetsItsLookup) {
  DrivenTransport client({});
  Seen* conn = client.connect("tcp://127.1:1").value;

  client.close(*conn);
  drive(
      {&client}, [&] { return conn->closed == 1; }, "CLOSED");

  EXPECT_EQ(conn->status, TT_E_CLOSED);
  EXPECT_EQ(conn->up, 0);
}

TEST(HostNames, ALookupCountsTowardsTheConnectTimeout) {
  DrivenTransport client({});
  Seen* conn = client.connect("tcp://127.1:1?connect_timeout=1s").value;

  client.advance(2s);
  drive(
      {&client}, [&] { return conn->closed == 1; }, "CLOSED");

  EXPECT_THAT(conn->status, ::testing::AnyOf(TT_E_TIMEDOUT, TT_E_REFUSED)) << conn->text;
}

}  // namespace
}  // namespace trestle::tcp::testing
