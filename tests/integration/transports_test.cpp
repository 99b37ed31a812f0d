// The same calls at every kind of address, with threads as in production. What nodes do over each
// transport otherwise is in tests/scenarios.
#include <gmock/gmock.h>
#include <trestle/test_support/built_transports.hpp>
#include <trestle/trestle.hpp>

#include <unistd.h>

#include <filesystem>
#include <future>
#include <string>
#include <thread>

namespace trestle {
namespace {

using ::testing::HasSubstr;

/// Nodes that also know the wrapper pass+*, which is not among the plugins of the build.
NodeOptions with_wrapper() {
  NodeOptions options;
  options.plugins = {TRESTLE_PASS_PLUGIN};
  return options;
}

/// Abstract names belong to the whole machine, where other tests run, too.
std::string of_this_process(std::string uri) {
  if (uri.find('@') != std::string::npos) uri += "-" + std::to_string(::getpid());
  return uri;
}

class Transports : public ::testing::TestWithParam<const char*> {
 protected:
  Transports() {
    server.add(unary("echo", [](Encoded in) { return in; }, {Execution::inline_})).value();
    server.add(unary("double", [](int value) { return 2 * value; })).value();
    server.add(am("count", [this] { ++counted; })).value();
    uri = server.listen(of_this_process(GetParam())).value();
  }

  std::atomic<int> counted = 0;
  Node server{with_wrapper()};
  Node client{with_wrapper()};
  std::string uri;
};

INSTANTIATE_TEST_SUITE_P(Uris, Transports,
                         ::testing::ValuesIn(test_support::of_this_build(
                             {"inproc://*", "unix://*", "unix://@trestle-test-abstract",
                              "tcp://127.0.0.1:0", "tcp://[::1]:0", "tcp://localhost:0",
                              "pass+inproc://*", "pass+unix://*", "pass+tcp://127.0.0.1:0",
                              "pass+pass+pass+tcp://127.0.0.1:0", "zmq+tcp://127.0.0.1:0",
                              "zmq://[::1]:0", "zmq+ipc://*", "ofi+tcp://127.0.0.1:0",
                              "ofi+tcp://localhost:0", "ofi://[::1]:0?prov=tcp&register=always"})),
                         [](const auto& parameter) {
                           std::string name(parameter.param);
                           for (char& c : name) c = std::isalnum(c) != 0 ? c : '_';
                           return name;
                         });

TEST_P(Transports, CarryEveryKindOfCall) {
  const Peer peer = client.connect(uri).value();

  EXPECT_EQ(peer.call<int>("double", 21).value(), 42);
  EXPECT_EQ(peer.call<std::string>("echo", std::string("hi")).value(), "hi");
  EXPECT_TRUE(peer.confirm("double", 1).has_value());
  ASSERT_TRUE(peer.send("count").has_value());
  EXPECT_EQ(peer.call<int>("double", 1).value(), 2) << "after the message before it";
  EXPECT_EQ(peer.call<int>("nobody").error().text, "No handler for 'nobody'");
}

TEST_P(Transports, KeepSendersOfLargeMessagesNearWhatLeaves) {
  const Peer peer = client.connect(uri).value();
  const std::string bytes(1u << 20, 'x');
  std::atomic<int> unsent = 0;
  const auto count_down = [](void* count) noexcept { --*static_cast<std::atomic<int>*>(count); };
  int near = 0;

  // queue_bytes_max would take 64 of them, and senders that wait for its room find 32 before them.
  // Some go on early where the CPU is busy elsewhere, for as long as that is.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (near < 100 && std::chrono::steady_clock::now() < end) {
    ++unsent;
    ASSERT_TRUE(
        peer.send("count", Payload::lend(as_bytes(bytes), count_down, &unsent)).has_value());
    near += unsent <= 16 ? 1 : 0;
  }

  EXPECT_EQ(near, 100);
  EXPECT_TRUE(peer.call<int>("double", 1).has_value()) << "after all of them";
  while (unsent != 0) std::this_thread::yield();  // the receiver may be done with them later
}

TEST_P(Transports, LetSendersOfLargeMessagesGoOnThoughNobodyReads) {
  std::promise<void> go_on;
  const auto until_then = go_on.get_future().share();
  server.add(am("stop", [until_then] { until_then.wait(); }, {Execution::inline_})).value();
  const Peer peer = client.connect(uri).value();
  ASSERT_TRUE(peer.send("stop").has_value());

  for (int i = 0; i < 32; ++i) {
    ASSERT_TRUE(peer.send("count", Payload::copy(std::string(1u << 20, 'x'))).has_value());
  }

  go_on.set_value();
  EXPECT_TRUE(peer.call<int>("double", 1).has_value()) << "after all of them";
}

TEST_P(Transports, LoseNoMessageAndKeepTheirNumber) {
  const Peer peer = client.connect(uri).value();

  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(peer.send("count").has_value());
  ASSERT_TRUE(client.close().has_value());
  while (server.counters().messages_received < 20'000) std::this_thread::yield();
  ASSERT_TRUE(server.close().has_value());

  EXPECT_EQ(counted, 20'000);
}

TEST_P(Transports, RefuseASecondListenerOnOneAddress) {
  const auto second = client.listen(uri);

  EXPECT_TRUE(second.error().is(Errc::address_in_use)) << second.error().text;
  EXPECT_EQ(client.connect(uri).value().call<int>("double", 2).value(), 4);
}

TEST_P(Transports, RefuseUnknownOptionsByName) {
  const auto refused = client.connect(uri + "?colour=red");

  EXPECT_TRUE(refused.error().is(Errc::bad_endpoint));
  EXPECT_THAT(refused.error().text, HasSubstr("colour"));
}

TEST(Listening, BeyondTheHostNeedsAuthenticationOrConsent) {
  Node node;

  const auto refused = node.listen("tcp://*:0");
  EXPECT_TRUE(refused.error().is(Errc::insecure_listener));
  EXPECT_THAT(refused.error().text, HasSubstr("insecure=1"));
  EXPECT_TRUE(node.listen("tcp://0.0.0.0:0").error().is(Errc::insecure_listener));
  EXPECT_TRUE(node.listen("tcp://[::]:0").error().is(Errc::insecure_listener));

  const auto allowed = node.listen("tcp://*:0?insecure=1");
  ASSERT_TRUE(allowed.has_value()) << allowed.error().text;
  EXPECT_THAT(*allowed, ::testing::Not(HasSubstr("insecure")));
}

TEST(Listening, AtAMalformedAddressSaysWhatIsWrongWithIt) {
  Node node;

  EXPECT_TRUE(node.listen("tcp://127.0.0.1").error().is(Errc::bad_endpoint));
  EXPECT_THAT(node.listen("tcp://127.0.0.1").error().text, HasSubstr("no port"));
  EXPECT_THAT(node.listen("tcp://127.0.0.1:99999").error().text, HasSubstr("99999"));
}

TEST(Listening, AtAnUnknownSchemeListsWhereItLooked) {
  Node node;

  const auto refused = node.listen("carrier-pigeon://coop");

  EXPECT_TRUE(refused.has_error());
  EXPECT_TRUE(node.listen("pigeon://coop").error().is(Errc::unknown_scheme));
  EXPECT_THAT(node.listen("pigeon://coop").error().text, HasSubstr("trestle_pigeon.so"));
}

TEST(Listening, OnPortZeroNeverCollides) {
  std::vector<std::thread> starters;
  for (int i = 0; i < 50; ++i) {
    starters.emplace_back([] {
      Node node({.workers = 1});
      EXPECT_TRUE(node.listen("tcp://127.0.0.1:0").has_value());
    });
  }
  for (std::thread& starter : starters) starter.join();
}

}  // namespace
}  // namespace trestle
