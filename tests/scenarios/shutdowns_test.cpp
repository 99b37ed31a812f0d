// The eight ways in which a node shuts down: it ends in bounded time, and so does whoever waits.
#include <atomic>
#include <barrier>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "held_calls.hpp"
#include "scenario.hpp"

namespace trestle::scenarios {
namespace {

class Shutdowns : public Scenario {
 protected:
  static void quiet(LogLevel, std::string_view) {}
  /// Neither waits long for handlers that never end, nor logs that it did.
  static NodeOptions hasty() { return options({.close_timeout = 10ms, .log = &quiet}); }

  static void expect_over(Node& node) {
    EXPECT_TRUE(node.listen("inproc://*").error().is(Errc::shut_down));
    EXPECT_EQ(node.counters().connections, 0u);
    EXPECT_EQ(node.counters().calls_pending, 0u);
  }
  static void expect_lost(const Result<int>& outcome) {
    ASSERT_TRUE(outcome.has_error());
    EXPECT_TRUE(outcome.error().is(Errc::connection_lost) || outcome.error().is(Errc::shut_down))
        << outcome.error();
  }
};

TRESTLE_OVER_EVERY_TRANSPORT(Shutdowns);

TEST_P(Shutdowns, WhileIdle) {
  Node server(options({.close_timeout = watchdog}));
  Node client(options({.close_timeout = watchdog}));
  ASSERT_TRUE(connect(client, server).ping().has_value());

  EXPECT_TRUE(client.close().has_value());
  EXPECT_TRUE(server.close().has_value());

  expect_over(client);
  expect_over(server);
}

TEST_P(Shutdowns, WithCallersWaiting) {
  constexpr std::size_t callers = 8;
  HeldCalls held;
  Node server(options());
  server.add(held.handler("hold")).value();
  Node client(hasty());
  const Peer peer = connect(client, server);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < callers; ++i) {
    threads.emplace_back([&peer, i] { expect_lost(peer.call<int>("hold", static_cast<int>(i))); });
  }
  ASSERT_TRUE(held.await(callers));

  static_cast<void>(client.close());
  threads.clear();

  expect_over(client);
  held.answer();
}

TEST_P(Shutdowns, FromTwoThreadsAtOnce) {
  HeldCalls held;
  Node server(options());
  server.add(held.handler("hold")).value();
  Node client(hasty());
  const Peer peer = connect(client, server);
  auto call = peer.message("hold").payload(1).expect_response<int>().send_detached().value();
  std::barrier at_once(2);
  const auto close = [&] {
    at_once.arrive_and_wait();
    static_cast<void>(client.close());
    expect_over(client);
  };

  {
    const std::jthread one(close);
    const std::jthread other(close);
  }

  expect_lost(std::move(call).await_response());
  held.answer();
}

TEST_P(Shutdowns, Twice) {
  Node server(options());
  Node client(options());
  ASSERT_TRUE(connect(client, server).ping().has_value());

  EXPECT_TRUE(client.close().has_value());
  EXPECT_TRUE(client.close().has_value());

  expect_over(client);
}

TEST_P(Shutdowns, ByTheDestructorAlone) {
  HeldCalls held;
  Node server(options());
  server.add(held.handler("hold")).value();
  std::optional<Node> client(hasty());
  const Peer peer = connect(*client, server);
  auto call = peer.message("hold").payload(1).expect_response<int>().send_detached().value();
  ASSERT_TRUE(held.await(1));

  client.reset();

  expect_lost(std::move(call).await_response());
  expect_lost(peer.call<int>("hold", 2));
  EXPECT_TRUE(eventually([&] { return server.counters().connections == 0; }));
  held.answer();
}

TEST_P(Shutdowns, WhileConnecting) {
  std::promise<void> stopped;
  Node server(options());
  std::promise<void> may_go_on;
  const auto stop = [&stopped, go_on = may_go_on.get_future().share()] {
    stopped.set_value();
    go_on.wait();
  };
  server.add(am("stop", stop, in_turn)).value();
  const std::string uri = serve(server);
  Node first(options());
  ASSERT_TRUE(first.connect(uri).value().send("stop").has_value());
  stopped.get_future().wait();  // nobody drives the server any more: it says hello to nobody
  std::promise<Result<Peer>> outcome;
  std::promise<Result<Peer>> blocked_outcome;
  Node client(hasty());
  client.async_connect(uri, {.timeout = 1h},
                       [&](Result<Peer> peer) { outcome.set_value(std::move(peer)); });
  const std::jthread caller(
      [&] { blocked_outcome.set_value(client.connect(uri, {.timeout = 1h})); });

  static_cast<void>(client.close());

  EXPECT_TRUE(outcome.get_future().get().error().is(Errc::shut_down));
  EXPECT_TRUE(blocked_outcome.get_future().get().error().is(Errc::shut_down));
  expect_over(client);
  may_go_on.set_value();
}

TEST_P(Shutdowns, WithMessagesInFlight) {
  constexpr int messages = 2000;
  std::atomic<int> noted = 0;
  std::atomic<int> doubled = 0;
  Node server(options());
  server
      .add(am(
          "note", [&](int) { ++noted; }, in_turn))
      .value();
  server
      .add(unary(
          "double", [&](int n) { return ++doubled, 2 * n; }, in_turn))
      .value();
  Node client(options());
  const Peer peer = connect(client, server);
  std::atomic<int> answered = 0;
  std::atomic<int> failed = 0;
  for (int n = 0; n < messages; ++n) {
    ASSERT_TRUE(peer.send("note", n).has_value());
    peer.async_call<int>("double", n, [&](const Result<int>& outcome) {
      ++(outcome.has_value() ? answered : failed);
    });
  }

  ASSERT_TRUE(client.close().has_value());

  EXPECT_EQ(answered + failed, messages) << "each call has ended, once";
  EXPECT_TRUE(eventually([&] { return noted == messages; })) << noted << " of what was admitted";
  EXPECT_GE(doubled, answered.load());
  expect_over(client);
}

TEST_P(Shutdowns, AfterThePeerHasShutDown) {
  HeldCalls held;
  std::optional<Node> server(hasty());
  server->add(held.handler("hold")).value();
  Node client(options({.close_timeout = watchdog}));
  const Peer peer = connect(client, *server);
  auto call = peer.message("hold").payload(1).expect_response<int>().send_detached().value();
  ASSERT_TRUE(held.await(1));

  server.reset();

  expect_lost(std::move(call).await_response());
  EXPECT_TRUE(client.close().has_value());
  expect_over(client);
  held.answer();
}

}  // namespace
}  // namespace trestle::scenarios
