// A node that closes: what is under way ends in peace, what is new is refused at once.
#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "held_calls.hpp"
#include "holdings.hpp"
#include "scenario.hpp"

namespace trestle::scenarios {
namespace {

class Drains : public Scenario {
 protected:
  /// Such as a caller gets whom nobody serves any more. Its handler did not run.
  static void expect_refused(const Result<int>& outcome) {
    ASSERT_TRUE(outcome.has_error());
    const Error& error = outcome.error();
    EXPECT_TRUE(error.is(Errc::draining) || error.is(Errc::connection_lost) ||
                error.is(Errc::connect_refused) || error.is(Errc::unreachable))
        << error;
    EXPECT_EQ(error.ran, Ran::no) << error;
  }
  /// Until the node refuses what is new.
  static bool is_draining(const Peer& peer) {
    return eventually([&] {
      const auto probe = peer.call<int>("nobody", 0);
      return !probe.error().is(Errc::handler_not_found);
    });
  }
  /// A server closes while calls are on their way to it. Each either is answered or did not run.
  void drain_under_load(Node& client) {
    constexpr int calls = 3;
    std::atomic<int> ran = 0;
    Node server(options({.workers = 1, .close_timeout = watchdog}));
    server.add(unary("double", [&](int n) { return ++ran, 2 * n; })).value();
    const Peer peer = connect(client, server);
    std::vector<MessageStatus<DetachedResponse<int>>> under_way;
    for (int n = 0; n < calls; ++n) {
      const auto message = peer.message("double").payload(n).expect_response<int>();
      under_way.push_back(message.send_detached().value());
    }
    ASSERT_TRUE(server.close().has_value());
    int answered = 0;
    for (auto& call : under_way) {
      const auto outcome = std::move(call).await_response();
      ASSERT_TRUE(outcome.has_value() || outcome.error().ran == Ran::no) << outcome.error();
      answered += outcome.has_value() ? 1 : 0;
    }
    ASSERT_EQ(ran, answered);
    peer.disconnect();
  }
};

TRESTLE_OVER_EVERY_TRANSPORT(Drains);

TEST_P(Drains, OfAnIdleNodeEndsAtOnce) {
  Node server(options({.close_timeout = watchdog}));
  server.add(unary("double", [](int n) { return 2 * n; })).value();
  Node client(options());
  const Peer peer = connect(client, server);
  ASSERT_EQ(peer.call<int>("double", 21).value(), 42);

  const auto closed = server.close();

  EXPECT_TRUE(closed.has_value()) << closed.error();
  expect_refused(peer.call<int>("double", 21));
}

TEST_P(Drains, WithACallUnderWayWaitsForItsReply) {
  HeldCalls held;
  Node server(options({.close_timeout = watchdog}));
  server.add(held.handler("hold")).value();
  Node client(options());
  const Peer peer = connect(client, server);
  auto under_way = peer.message("hold").payload(7).expect_response<int>().send_detached().value();
  ASSERT_TRUE(held.await(1));

  std::promise<Result<void>> closed;
  const std::jthread closer([&] { closed.set_value(server.close()); });
  ASSERT_TRUE(is_draining(peer));
  expect_refused(peer.call<int>("hold", 8));
  held.answer();

  EXPECT_EQ(std::move(under_way).await_response().value(), 7);
  EXPECT_TRUE(closed.get_future().get().has_value());
}

TEST_P(Drains, WithAQueueWaitingRunsAllOfIt) {
  constexpr int messages = 200;
  std::atomic<int> ran = 0;
  Node server(options({.close_timeout = watchdog}));
  std::promise<void> may_go_on;
  const auto wait = [&ran, go_on = may_go_on.get_future().share()](int n) {
    go_on.wait();
    ++ran;
    return n;
  };
  server.add(unary("one_by_one", wait, {.concurrency_max = 1})).value();
  Node client(options());
  const Peer peer = connect(client, server);
  std::vector<MessageStatus<DetachedResponse<int>>> queued;
  for (int n = 0; n < messages; ++n) {
    const auto message = peer.message("one_by_one").payload(n).expect_response<int>();
    queued.push_back(message.send_detached().value());
  }
  ASSERT_TRUE(eventually([&] { return server.counters().messages_received >= messages; }));

  std::promise<Result<void>> closed;
  const std::jthread closer([&] { closed.set_value(server.close()); });
  ASSERT_TRUE(is_draining(peer));
  may_go_on.set_value();

  for (int n = 0; n < messages; ++n) {
    const auto outcome = std::move(queued[static_cast<std::size_t>(n)]).await_response();
    ASSERT_TRUE(outcome.has_value()) << n << ": " << outcome.error();
    EXPECT_EQ(*outcome, n);
  }
  EXPECT_EQ(ran, messages);
  EXPECT_TRUE(closed.get_future().get().has_value());
}

TEST_P(Drains, LetAHandlerHaveTheReplyThatItWaitsFor) {
  HeldCalls held;
  Node server(options({.close_timeout = watchdog}));
  const auto ask_back = [](Context& context, int n) {
    return context.node.peer(context.sender).call<int>("hold", n);
  };
  server.add(unary("ask_back", ask_back)).value();
  Node client(options());
  client.add(held.handler("hold")).value();
  const Peer peer = connect(client, server);
  auto outer = peer.message("ask_back").payload(7).expect_response<int>().send_detached().value();
  ASSERT_TRUE(held.await(1));

  std::promise<Result<void>> closed;
  const std::jthread closer([&] { closed.set_value(server.close()); });
  ASSERT_TRUE(is_draining(peer));
  held.answer();

  const auto outcome = std::move(outer).await_response();
  EXPECT_TRUE(outcome.has_value()) << outcome.error();
  EXPECT_TRUE(closed.get_future().get().has_value());
}

TEST_P(Drains, TellWhoMayNotWaitSoLongWhatIsStillBusy) {
  HeldCalls held;
  Node server(options({.close_timeout = 10ms, .log = [](LogLevel, std::string_view) {}}));
  server.add(held.handler("hold")).value();
  Node client(options());
  const Peer peer = connect(client, server);
  auto under_way = peer.message("hold").payload(7).expect_response<int>().send_detached().value();
  ASSERT_TRUE(held.await(1));

  const auto closed = server.close();

  EXPECT_TRUE(closed.error().is(Errc::deadline_exceeded)) << closed.error();
  EXPECT_THAT(closed.error().text, ::testing::HasSubstr("1 handlers"));
  const auto outcome = std::move(under_way).await_response();
  ASSERT_TRUE(outcome.has_error());
  EXPECT_TRUE(outcome.error().is(Errc::connection_lost)) << outcome.error();
  EXPECT_EQ(outcome.error().ran, Ran::maybe);
  held.answer();
}

TEST_P(Drains, OverAndOverLoseNoCallAndLeaveNothingBehind) {
  // Where a drain takes milliseconds, it is the library that closes.
  const bool is_quick =
      GetParam().name == "inproc" || GetParam().name == "unix" || GetParam().name == "tcp";
  const std::size_t drains = times(400, is_quick ? 80'000 : 4'000);
  Node client(options({.workers = 1}));
  int done = 0;

  expect_nothing_left_behind(drains, [&] {
    drain_under_load(client);
    ++done;
  });

  RecordProperty("drains", done);
}

}  // namespace
}  // namespace trestle::scenarios
