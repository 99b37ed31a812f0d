// URIs of tcp:// and unix://: what listening and connecting accept and refuse, with which text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "driven_transport.hpp"
#include "raw_socket.hpp"

namespace trestle::tcp::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

struct Case {
  const char* name;
  const char* scheme;
  const char* listen;
  const char* listener_uri;  ///< a pattern
  const char* peer_uri;      ///< as the client sees its peer
};

class Addresses : public ::testing::TestWithParam<Case> {};

TEST_P(Addresses, ListenerUriIsAcceptedByConnectVerbatim) {
  const Case& c = GetParam();
  Linked link(c.listen, {.scheme = c.scheme});

  EXPECT_THAT(link.uri, MatchesRegex(c.listener_uri));
  EXPECT_THAT(link.client.info(*link.out).peer_uri, MatchesRegex(c.peer_uri));
  ASSERT_EQ(link.client.send(*link.out, "hello"), TT_OK);
  drive(
      {&link.server, &link.client}, [&] { return !link.in->packets.empty(); }, "packet");
  EXPECT_EQ(link.in->packets[0], "hello");
}

const Case cases[] = {
    {"V4", "tcp", "tcp://127.0.0.1:0", "tcp://127.0.0.1:[1-9][0-9]*", "tcp://127.0.0.1:[0-9]+"},
    {"V6", "tcp", "tcp://[::1]:0", "tcp://\\[::1\\]:[1-9][0-9]*", "tcp://\\[::1\\]:[0-9]+"},
    {"Localhost", "tcp", "tcp://localhost:0", "tcp://127.0.0.1:[1-9][0-9]*", "tcp://127.0.0.1:.*"},
    {"LocalhostV6", "tcp", "tcp://localhost:0?family=6", "tcp://\\[::1\\]:[1-9][0-9]*", ".*"},
    {"Wildcard", "tcp", "tcp://*:0", "tcp://\\*:[1-9][0-9]*", "tcp://127.0.0.1:[0-9]+"},
    {"WildcardV4", "tcp", "tcp://*:0?family=4", "tcp://\\*:[1-9][0-9]*", "tcp://127.0.0.1:.*"},
    {"AnyV4", "tcp", "tcp://0.0.0.0:0", "tcp://0.0.0.0:[1-9][0-9]*", "tcp://127.0.0.1:[0-9]+"},
    {"Abstract", "unix", "unix://@trestle-addresses-test", "unix://@trestle-addresses-test",
     "unix://@trestle-addresses-test"},
    {"Generated", "unix", "unix://*", "unix:///.*/trestle-....../1.sock", "unix:///.*/1.sock"},
};
INSTANTIATE_TEST_SUITE_P(Kinds, Addresses, ::testing::ValuesIn(cases),
                         [](const auto& kind) { return kind.param.name; });

TEST(TcpAddresses, WildcardTakesBothFamilies) {
  DrivenTransport server({});
  DrivenTransport client({});
  const std::string port = std::to_string(port_in(server.uri(server.listen("tcp://*:0").value)));

  Seen* v4 = client.connect("tcp://127.0.0.1:" + port).value;
  Seen* v6 = client.connect("tcp://[::1]:" + port).value;
  drive(
      {&server, &client}, [&] { return server.accepted.size() == 2 && v4->up && v6->up; },
      "both connections");

  std::vector<std::string> peers;
  for (Seen* conn : server.accepted) peers.push_back(server.info(*conn).peer_uri);
  EXPECT_THAT(peers, ::testing::UnorderedElementsAre(MatchesRegex("tcp://127.0.0.1:[0-9]+"),
                                                     MatchesRegex("tcp://\\[::1\\]:[0-9]+")));
}

TEST(TcpAddresses, LocalhostFindsAV6Listener) {
  DrivenTransport server({});
  DrivenTransport client({});
  const auto port = port_in(server.uri(server.listen("tcp://[::1]:0").value));

  Seen* conn = client.connect("tcp://localhost:" + std::to_string(port)).value;
  drive(
      {&server, &client}, [&] { return conn->up == 1; }, "connection");

  EXPECT_THAT(client.info(*conn).peer_uri, HasSubstr("[::1]"));
}

TEST(TcpAddresses, ASecondListenerIsRefusedAndTheFirstGoesOn) {
  DrivenTransport server({});
  DrivenTransport client({});
  const std::string uri = server.uri(server.listen("tcp://127.0.0.1:0").value);

  const auto second = client.listen(uri);

  EXPECT_EQ(second.status, TT_E_ADDRINUSE);
  EXPECT_THAT(second.text, HasSubstr(uri));
  Seen* conn = client.connect(uri).value;
  drive(
      {&server, &client}, [&] { return conn->up == 1; }, "connection");
}

struct Refusal {
  const char* scheme;
  const char* uri;
  const char* text;
};

TEST(Refusals, AreSynchronousAndNameWhatIsWrong) {
  const Refusal both[] = {
      {"tcp", "tcp://127.0.0.1:99999999", "\"99999999\" is above 65535"},
      {"tcp", "tcp://127.0.0.1", "no port"},
      {"tcp", "tcp://:80", "no host"},
      {"tcp", "tcp://::1:80", "brackets"},
      {"tcp", "127.0.0.1:80", "expected scheme://"},
      {"tcp", "unix:///tmp/x", "opened for tcp://"},
      {"tcp", "tcp://127.0.0.1:80?nodeley=on",
       "unknown option \"nodeley\"; known are connect_timeout, family, keepalive, "
       "nodelay, rcvbuf, sndbuf, stall_timeout, user_timeout"},
      {"tcp", "tcp://127.0.0.1:80?nodelay=yes", "option nodelay: \"yes\": expected on or off"},
      {"tcp", "tcp://127.0.0.1:80?sndbuf=64", "option sndbuf"},
      {"tcp", "tcp://127.0.0.1:80?sndbuf=9GiB", "the limit is 2147483647B"},
      {"tcp", "tcp://127.0.0.1:80?family=6", "family"},
      {"unix", "unix://relative.sock", "absolute path or @name"},
      {"unix", "unix://", "absolute path or @name"},
      {"unix", "unix://@", "absolute path or @name"},
      {"unix", "tcp://127.0.0.1:80", "opened for unix://"},
      {"unix", "unix:///tmp/x?nodelay=on", "known are connect_timeout, rcvbuf, sndbuf"},
  };
  for (const auto& [scheme, uri, text] : both) {
    DrivenTransport transport({.scheme = scheme});
    const auto connecting = transport.connect(uri);
    const auto listening = transport.listen(uri);
    EXPECT_EQ(connecting.status, TT_E_ADDR) << uri;
    EXPECT_THAT(connecting.text, HasSubstr(text)) << uri;
    EXPECT_EQ(listening.status, TT_E_ADDR) << uri;
    EXPECT_THAT(listening.text, HasSubstr(text)) << uri;
  }
}

TEST(Refusals, OfOneSideOnly) {
  DrivenTransport tcp({});
  DrivenTransport unix({.scheme = "unix"});

  EXPECT_THAT(tcp.connect("tcp://127.0.0.1:0").text, HasSubstr("port 0 is only for listening"));
  EXPECT_THAT(tcp.listen("tcp://example.invalid:0").text, HasSubstr("cannot listen on the name"));
  EXPECT_EQ(tcp.listen("tcp://192.0.2.1:0").status, TT_E_UNREACHABLE);
  EXPECT_EQ(unix.connect("unix://*").status, TT_E_ADDR);
}

TEST(Options, MayBeGivenAtOpenAndOverriddenPerUri) {
  const Opening opening{.options = {{"family", "6"}}};
  DrivenTransport transport(opening);

  EXPECT_THAT(transport.uri(transport.listen("tcp://localhost:0").value), HasSubstr("[::1]"));
  EXPECT_THAT(transport.uri(transport.listen("tcp://localhost:0?family=4").value),
              HasSubstr("127.0.0.1"));
}

TEST(Options, UnknownOnesAtOpenAreRefused) {
  const Opening opening{.options = {{"colour", "red"}}};

  try {
    DrivenTransport transport(opening);
    FAIL() << "opened";
  } catch (const std::runtime_error& refusal) {
    EXPECT_THAT(refusal.what(), HasSubstr("unknown option \"colour\"; known are connect_timeout"));
  }
}

TEST(Refusals, ANoListenerAnswerArrivesAsClosed) {
  std::uint16_t free_port = RawSocket::listening().port();
  DrivenTransport tcp({});
  DrivenTransport unix({.scheme = "unix"});

  const auto refused = tcp.connect("tcp://127.0.0.1:" + std::to_string(free_port));
  const auto missing = unix.connect("unix:///tmp/trestle-nobody-listens-here");

  ASSERT_EQ(refused.status, TT_OK) << refused.text;
  ASSERT_EQ(missing.status, TT_OK) << missing.text;
  for (const auto& [transport, conn] :
       {std::pair(&tcp, refused.value), std::pair(&unix, missing.value)}) {
    drive(
        {transport}, [&, seen = conn] { return seen->closed == 1; }, "CLOSED");
    EXPECT_EQ(conn->status, TT_E_REFUSED);
    EXPECT_EQ(conn->up, 0);
    EXPECT_THAT(conn->text, HasSubstr("cannot connect to"));
  }
}

}  // namespace
}  // namespace trestle::tcp::testing
