// A thousand calls of all kinds at once: each gets its own outcome, and only that.
#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <atomic>
#include <mutex>
#include <thread>

namespace trestle {
namespace {

using testing::TestNetwork;

constexpr int calls = 1000;

void add_handlers(Node& node) {
  node.add(unary("echo", [](int n) { return n; }, {Execution::inline_})).value();
  node.add(unary("spawned", [](int n) { return n; })).value();
  node.add(ack("refuse", [](int n) -> Result<void> { return refuse(std::to_string(n)); })).value();
}

/// Sends the call of that number in one of six ways, and waits as it does. True if it got just the
/// outcome that belongs to it.
bool gets_its_own_outcome(const Peer& peer, int n) {
  const std::string handler = n % 2 == 0 ? "echo" : "spawned";
  const auto message = peer.message(handler).payload(n);
  switch (n % 6) {
    case 0:
      return peer.call<int>(handler, n).value() == n;
    case 1:
      return peer.confirm("refuse", n).error().text == std::to_string(n);
    case 2:
      return message.expect_response<int>().send().value().await_response().value() == n;
    case 3:
      return message.send_detached().value().await_ack().has_value();
    case 4: {
      auto call = message.expect_response<int>().send_detached().value();
      const bool cancelled = call.open().canceller().cancel();
      const auto outcome = std::move(call).await_response();
      return cancelled ? outcome.has_error() && outcome.error().is(Errc::cancelled)
                       : outcome.value() == n;
    }
    default: {
      {
        auto dropped = message.send_detached().value();
      }
      const auto typed = message.detach_receipt().expect_typed_response<int>();
      return typed.send_with_response().value().await_delivery().value().await_response().value() ==
             n;
    }
  }
}

TEST(MixedCalls, ThatAreAllUnderWayEachGetTheirOwnOutcome) {
  TestNetwork network;
  Node& server = network.add_node();
  Node& client = network.add_node();
  add_handlers(server);
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  std::vector<MessageStatus<DetachedResponse<int>>> responses;
  std::vector<MessageStatus<DetachedConfirm>> refusals;
  int completed = 0;

  for (int n = 0; n < calls; n += 4) {
    const auto expected = peer.message("echo").expect_response<int>();
    responses.push_back(MessageBuilder(expected).payload(n).send_detached().value());
    refusals.push_back(peer.message("refuse").payload(n + 1).send_detached().value());
    peer.async_call<int>("spawned", n + 2, [&completed, n](Result<int> reply) {
      completed += reply.value() == n + 2;
    });
    { auto dropped = peer.message("echo").payload(n + 3).send_detached().value(); }
  }
  EXPECT_EQ(client.counters().calls_pending, 3u * calls / 4);
  network.settle();

  for (int n = 0; n < calls; n += 4) {
    const auto i = static_cast<std::size_t>(n / 4);
    EXPECT_EQ(std::move(responses[i]).await_response().value(), n);
    EXPECT_EQ(std::move(refusals[i]).await_ack().error().text, std::to_string(n + 1));
  }
  EXPECT_EQ(completed, calls / 4);
  EXPECT_EQ(client.counters().calls_pending, 0u);
}

class MixedCallsOfThreads : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Uris, MixedCallsOfThreads,
                         ::testing::Values("inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& kind) {
                           const std::string uri = kind.param;
                           return uri.substr(0, uri.find(':'));
                         });

TEST_P(MixedCallsOfThreads, EachGetTheirOwnOutcome) {
  constexpr int callers = 8;
  Node server;
  Node client;
  add_handlers(server);
  const Peer peer = client.connect(server.listen(GetParam()).value()).value();
  std::atomic<int> right = 0;

  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&, caller] {
      for (int n = caller; n < calls; n += callers) right += gets_its_own_outcome(peer, n) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(right, calls);
  EXPECT_EQ(client.counters().calls_pending, 0u);
}

TEST_P(MixedCallsOfThreads, EndWhileOthersCancelThem) {
  // Before the nodes: a call that was cancelled may still reach its handler while they end.
  std::mutex mutex;
  std::vector<Reply<int>> held;
  Node server;
  Node client;
  add_handlers(server);
  server
      .add(unary("hold",
                 [&](int, Reply<int> reply) {
                   const std::lock_guard lock(mutex);
                   held.push_back(std::move(reply));
                 }))
      .value();
  const Peer peer = client.connect(server.listen(GetParam()).value()).value();
  std::atomic<int> cancelled = 0;

  for (int n = 0; n < 200; ++n) {
    std::stop_source stop;
    std::thread canceller([&] { stop.request_stop(); });
    const auto outcome = peer.with({.stop = stop.get_token()}).call<int>("hold", n);
    cancelled += outcome.has_error() && outcome.error().is(Errc::cancelled) ? 1 : 0;
    canceller.join();
  }

  EXPECT_EQ(cancelled, 200);
  EXPECT_EQ(client.counters().calls_pending, 0u);
  const std::lock_guard lock(mutex);
  held.clear();
}

}  // namespace
}  // namespace trestle
