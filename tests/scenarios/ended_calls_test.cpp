// Calls that end before their outcome: at their deadline, cancelled, or with the node of the peer.
#include <atomic>
#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "held_calls.hpp"
#include "scenario.hpp"

namespace trestle::scenarios {
namespace {

class EndedEarly : public Scenario {
 protected:
  static void expect_nothing_left(Node& client) {
    EXPECT_EQ(client.counters().calls_pending, 0u);
    EXPECT_EQ(client.counters().connections, 1u);
  }
};

TRESTLE_OVER_EVERY_TRANSPORT(EndedEarly);

TEST_P(EndedEarly, AtTheirDeadlineAndNotBeforeIt) {
  HeldCalls held;
  Node server(options());
  server.add(held.handler("hold")).value();
  server.add(unary("double", [](int n) { return 2 * n; })).value();
  Node client(options());
  const Peer peer = connect(client, server);
  Result<int> outcome = 0;
  TimePoint before{0};
  auto timeout = 25ms;

  // A machine that is busy may take longer than that to begin.
  do {
    timeout *= 2;
    before = client.now();
    outcome = peer.with_timeout(timeout).call<int>("hold", 1);
  } while (!held.has_come() && timeout < watchdog);

  EXPECT_GE(client.now() - before, timeout);
  ASSERT_TRUE(outcome.has_error());
  EXPECT_TRUE(outcome.error().is(Errc::deadline_exceeded)) << outcome.error();
  EXPECT_EQ(outcome.error().ran, Ran::maybe);
  EXPECT_TRUE(eventually([&] { return held.is_stopped(); })) << "the handler is told";
  held.answer();
  EXPECT_EQ(peer.call<int>("double", 21).value(), 42) << "the late answer is nobody else's";
  expect_nothing_left(client);
}

TEST_P(EndedEarly, AtADeadlineThatTheHandlerKnows) {
  Node server(options());
  const auto left = [](Context& context) -> Result<std::int64_t> {
    if (!context.deadline) return refuse("no deadline");
    return (*context.deadline - context.node.now()).count();
  };
  server.add(unary("left", left)).value();
  Node client(options());
  const Peer peer = connect(client, server);

  const auto nanoseconds = peer.with_timeout(1h).call<std::int64_t>("left");

  ASSERT_TRUE(nanoseconds.has_value()) << nanoseconds.error();
  EXPECT_GT(*nanoseconds, std::chrono::nanoseconds(59min).count());
  EXPECT_LE(*nanoseconds, std::chrono::nanoseconds(1h).count());
}

TEST_P(EndedEarly, WhereTheyAreCancelledWhileTheyRun) {
  HeldCalls held;
  Node server(options());
  server.add(held.handler("hold")).value();
  Node client(options());
  const Peer peer = connect(client, server);
  std::stop_source stop;
  std::promise<Result<int>> outcome;
  const std::jthread caller(
      [&] { outcome.set_value(peer.with({.stop = stop.get_token()}).call<int>("hold", 1)); });
  ASSERT_TRUE(held.await(1));

  stop.request_stop();

  const auto ended = outcome.get_future().get();
  ASSERT_TRUE(ended.has_error());
  EXPECT_TRUE(ended.error().is(Errc::cancelled)) << ended.error();
  EXPECT_EQ(ended.error().ran, Ran::maybe);
  EXPECT_TRUE(eventually([&] { return held.is_stopped(); })) << "the handler is told";
  held.answer();
  expect_nothing_left(client);
}

TEST_P(EndedEarly, WhereTheyAreCancelledWhileTheyWaitForAPermit) {
  std::promise<void> began;
  std::atomic<int> runs = 0;
  Node server(options());
  std::promise<void> may_go_on;
  const auto wait = [&, go_on = may_go_on.get_future().share()](int n) {
    if (++runs == 1) began.set_value();
    go_on.wait();
    return n;
  };
  server.add(unary("one_by_one", wait, {.concurrency_max = 1})).value();
  Node client(options());
  const Peer peer = connect(client, server);
  const auto message = peer.message("one_by_one").payload(1).expect_response<int>();
  auto first = message.send_detached().value();
  began.get_future().wait();
  std::stop_source stop;
  auto second = MessageBuilder(message).stop(stop.get_token()).send_detached().value();
  ASSERT_TRUE(eventually([&] { return server.counters().messages_received == 2; }));

  stop.request_stop();

  EXPECT_TRUE(std::move(second).await_response().error().is(Errc::cancelled));
  // A cancel that comes after the permit is free may find the handler running.
  ASSERT_TRUE(eventually([&] { return server.counters().messages_refused == 1; }));
  may_go_on.set_value();
  EXPECT_EQ(std::move(first).await_response().value(), 1);
  EXPECT_EQ(peer.call<int>("one_by_one", 3).value(), 3);
  EXPECT_EQ(runs, 2) << "the cancelled one did not run";
  expect_nothing_left(client);
}

TEST_P(EndedEarly, WhenThePeerDisconnects) {
  HeldCalls held;
  Node server(options());
  server.add(held.handler("hold")).value();
  Node client(options());
  const Peer peer = connect(client, server);
  auto call = peer.message("hold").payload(1).expect_response<int>().send_detached().value();
  ASSERT_TRUE(held.await(1));

  server.peer(client.instance_id()).disconnect();

  const auto outcome = std::move(call).await_response();
  ASSERT_TRUE(outcome.has_error());
  EXPECT_TRUE(outcome.error().is(Errc::connection_lost)) << outcome.error();
  EXPECT_EQ(outcome.error().ran, Ran::maybe);
  EXPECT_EQ(client.counters().calls_pending, 0u);
  held.answer();
}

TEST_P(EndedEarly, WhenThePeersNodeDiesAndAreServedByTheNextOneThere) {
  constexpr int calls = 50;
  const InstanceId id = random_instance_id();
  HeldCalls held;
  std::optional<Node> server;
  const auto start = [&](std::uint64_t incarnation, int answer) {
    server.emplace(options({.instance_id = id,
                            .incarnation = incarnation,
                            .close_timeout = 1ms,
                            .log = [](LogLevel, std::string_view) {}}));
    server->add(held.handler("hold")).value();
    server->add(unary("which", [answer] { return answer; })).value();
  };
  start(1, 1);
  const std::string uri = serve(*server);
  Node client(options());
  const Peer peer = client.connect(uri).value();
  ASSERT_EQ(peer.call<int>("which").value(), 1);
  std::vector<MessageStatus<DetachedResponse<int>>> lost;
  for (int n = 0; n < calls; ++n) {
    const auto message = peer.message("hold").payload(n).expect_response<int>();
    lost.push_back(message.send_detached().value());
  }
  ASSERT_TRUE(held.await(calls));

  server.reset();

  for (auto& call : lost) {
    const auto outcome = std::move(call).await_response();
    ASSERT_TRUE(outcome.has_error());
    EXPECT_TRUE(outcome.error().is(Errc::connection_lost)) << outcome.error();
    EXPECT_EQ(outcome.error().ran, Ran::maybe);
  }
  start(2, 2);
  ASSERT_EQ(server->listen(uri).value(), uri);
  EXPECT_TRUE(eventually([&] {
    const auto answer = peer.call<int>("which");
    return answer.has_value() && *answer == 2;
  })) << "the same handle leads to the next one";
  EXPECT_EQ(peer.instance_id(), id);
  EXPECT_EQ(client.counters().calls_pending, 0u);
  held.answer();
}

}  // namespace
}  // namespace trestle::scenarios
