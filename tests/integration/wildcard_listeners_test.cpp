// Nodes that listen on every address: what they tell others of themselves can be used to call them.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <cctype>
#include <string>

#include "trestle/test_support/built_transports.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// Nodes that are reached wherever their host is.
class WildcardListeners : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto listening = server.listen(GetParam());
    if (listening.has_error()) GTEST_SKIP() << "not here: " << listening.error().text;
    server_uri = *listening;
    caller.listen(GetParam()).value();
    caller.add(unary("name", [] { return std::string("the caller"); })).value();
    server.add(unary("double", [](int n) { return 2 * n; })).value();
  }

  Node server;
  Node caller;
  std::string server_uri;
};

INSTANTIATE_TEST_SUITE_P(Transports, WildcardListeners,
                         ::testing::ValuesIn(test_support::of_this_build(
                             {"inproc://*", "unix://*", "tcp://0.0.0.0:0?insecure=1",
                              "tcp://[::]:0?insecure=1", "zmq+tcp://0.0.0.0:0?insecure=1",
                              "zmq+ipc://*", "ofi+tcp://0.0.0.0:0?insecure=1"})),
                         [](const auto& one) {
                           std::string name;
                           for (const char letter : std::string(one.param)) {
                             if (letter == '?') break;
                             name += std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter
                                                                                           : '_';
                           }
                           return name;
                         });

TEST_P(WildcardListeners, AreKnownByAddressesThatOthersCanDial) {
  const PeerInfo info = server.info();
  ASSERT_FALSE(info.address.is_empty());

  for (const std::string& endpoint : info.address.endpoints()) {
    for (const char* wildcard : {"0.0.0.0", "[::]", "*"}) {
      EXPECT_THAT(endpoint, Not(HasSubstr(wildcard)));
    }
    Node client;
    const auto peer = client.connect(endpoint);
    ASSERT_TRUE(peer.has_value()) << peer.error();
    EXPECT_EQ(peer->call<int>("double", 21).value(), 42);
  }
}

TEST_P(WildcardListeners, CallTheirCallersBack) {
  const auto ask_back = [](Context& context) {
    return context.node.peer(context.sender).call<std::string>("name");
  };
  server.add(unary("who", ask_back)).value();

  const Peer peer = caller.connect(server.info()).value();

  EXPECT_EQ(peer.call<std::string>("who").value(), "the caller");
  EXPECT_EQ(server.counters().connections, 1u) << "the caller's connection is used";
}

TEST_P(WildcardListeners, CallBackOnAConnectionOfTheirOwnOnceTheCallersIsGone) {
  const Peer peer = caller.connect(server.info()).value();
  peer.ping().value();  // by then the server knows who it is
  const PeerInfo known = server.peer(caller.instance_id()).discover().value();

  peer.disconnect();
  const auto back = server.connect(known, {.timeout = 10s});

  ASSERT_TRUE(back.has_value()) << back.error();
  EXPECT_EQ(back->call<std::string>("name").value(), "the caller");
}

TEST_P(WildcardListeners, AreConnectedByAThirdWhoWasToldOfThem) {
  Node teller;
  const PeerInfo told = teller.discover(server_uri).value();
  ASSERT_EQ(told, server.info());

  const Peer peer = caller.connect(PeerInfo::parse(told.text()).value()).value();

  EXPECT_EQ(peer.call<int>("double", 21).value(), 42);
}

}  // namespace
}  // namespace trestle
