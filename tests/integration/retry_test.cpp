// Calls that are tried again: when, how often, and when not.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <optional>

#include "node/retries.hpp"
#include "trestle/test_support/two_nodes.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr RetryPolicy three_times{.attempts_max = 3, .jitter = 0};

TEST(MayTryAgain, OnlyWhatProvablyDidNotRun) {
  EXPECT_TRUE(may_try_again(Error(Errc::connection_lost, "", Ran::no), three_times));
  EXPECT_FALSE(may_try_again(Error(Errc::connection_lost, "", Ran::maybe), three_times));
  EXPECT_FALSE(may_try_again(Error(Errc::connection_lost, "", Ran::yes), three_times));
  EXPECT_FALSE(may_try_again(Error(Errc::handler_failed, "", Ran::yes), three_times));
}

TEST(MayTryAgain, WhatMayRunTwiceIfItIsMarkedSo) {
  RetryPolicy idempotent = three_times;
  idempotent.idempotent = true;
  EXPECT_TRUE(may_try_again(Error(Errc::connection_lost, "", Ran::maybe), idempotent));
  EXPECT_TRUE(may_try_again(Error(Errc::connection_lost, "", Ran::yes), idempotent));
  EXPECT_FALSE(may_try_again(Error(Errc::handler_failed, "", Ran::yes), idempotent));
}

TEST(MayTryAgain, NotWhatAnotherAttemptCannotMend) {
  for (const Errc code :
       {Errc::handler_not_found, Errc::kind_mismatch, Errc::undecodable, Errc::payload_too_large,
        Errc::cancelled, Errc::shut_down, Errc::deadline_exceeded, Errc::unknown_peer}) {
    EXPECT_FALSE(may_try_again(Error(code, "", Ran::no), three_times)) << to_string(code);
  }
}

/// A server that refuses the first calls as overloaded: its one permit is taken.
class Retry : public test_support::TwoNodes {
 protected:
  Retry() : TwoNodes(no_queue()) {
    server
        .add(unary("busy",
                   [this](Reply<int> reply) {
                     ++runs;
                     held = std::move(reply);
                   },
                   {Execution::inline_, 1}))
        .value();
    peer.async_call<int>("busy", 0, [](Result<int>) {});
    network.settle();
    runs = 0;
  }

  static NodeOptions no_queue() {
    NodeOptions options;
    options.spawn_queue_messages = 0;
    return options;
  }
  Peer with(RetryPolicy policy) const {
    CallOptions options;
    options.retry = policy;
    options.timeout = 60s;
    return peer.with(options);
  }
  /// The next run of "busy" answers at once.
  void free_after(std::chrono::nanoseconds delay) {
    server.after(delay, [this] {
      server.remove("busy").value();
      server.add(unary("busy", [this] { return ++runs; }, {Execution::inline_})).value();
    });
  }

  std::optional<Reply<int>> held;
  int runs = 0;
};

TEST_F(Retry, IsOffUnlessAskedFor) {
  free_after(250ms);

  EXPECT_TRUE(peer.call<int>("busy").error().is(Errc::overloaded));
}

TEST_F(Retry, BridgesAShortOverload) {
  free_after(250ms);
  const TimePoint before = client.now();

  EXPECT_EQ(with(three_times).call<int>("busy").value(), 1);
  EXPECT_EQ(client.now() - before, 300ms);  // 100 ms, then 200 ms
}

TEST_F(Retry, BridgesItForAsynchronousCallsToo) {
  free_after(250ms);
  std::optional<Result<int>> got;
  with(three_times).async_call<int>("busy", 0, [&](Result<int> reply) { got = reply; });

  network.settle();
  EXPECT_FALSE(got);
  network.advance(299ms);
  EXPECT_FALSE(got);
  network.advance(1ms);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->value(), 1);
}

TEST_F(Retry, BridgesItForBuilderMessages) {
  free_after(250ms);
  const auto message = peer.message("busy").retry(three_times).timeout(60s);

  EXPECT_TRUE(message.send().has_value());
  auto status = message.expect_response<int>().send();
  EXPECT_EQ(std::move(status).value().await_response().value(), 2);
}

TEST_F(Retry, CountsTheAttemptsOfBuilderMessages) {
  const auto message = peer.message("busy").retry(three_times).timeout(60s);

  EXPECT_THAT(message.send().error().text, HasSubstr("(3 attempts)"));
  EXPECT_THAT(message.expect_response<int>().send().error().text, HasSubstr("(3 attempts)"));
}

TEST_F(Retry, EndsAfterTheLastAttempt) {
  const auto refused = with(three_times).call<int>("busy");

  EXPECT_TRUE(refused.error().is(Errc::overloaded));
  EXPECT_THAT(refused.error().text, HasSubstr("(3 attempts)"));
  EXPECT_EQ(server.counters().messages_refused, 3u);
}

TEST_F(Retry, NeverWaitsBeyondTheDeadline) {
  CallOptions options;
  options.retry = {.attempts_max = 10, .jitter = 0};
  options.timeout = 1s;
  const TimePoint before = client.now();

  const auto refused = peer.with(options).call<int>("busy");

  EXPECT_TRUE(refused.error().is(Errc::overloaded));
  EXPECT_THAT(refused.error().text, HasSubstr("(4 attempts, no time is left for another)"));
  EXPECT_EQ(client.now() - before, 700ms);
}

TEST_F(Retry, GrowsItsDelaysUpToTheLargest) {
  const TimePoint before = client.now();

  const auto refused = with({.attempts_max = 6, .delay_max = 300ms, .jitter = 0}).call<int>("busy");

  EXPECT_THAT(refused.error().text, HasSubstr("(6 attempts)"));
  EXPECT_EQ(client.now() - before, 100ms + 200ms + 3 * 300ms);
}

TEST_F(Retry, JitterStaysWithinItsPart) {
  for (int i = 0; i < 5; ++i) {
    const TimePoint before = client.now();
    (void)with({.attempts_max = 2, .jitter = 0.25}).call<int>("busy");
    EXPECT_GE(client.now() - before, 75ms);
    EXPECT_LE(client.now() - before, 125ms);
  }
}

TEST_F(Retry, StopsAskingAPeerThatKeepsFailing) {
  const Peer stubborn = with({.attempts_max = 100, .delay = 1ms, .factor = 1, .jitter = 0});

  const auto refused = stubborn.call<int>("busy");

  EXPECT_THAT(
      refused.error().text,
      HasSubstr("(11 attempts, too many calls to this peer failed lately to make another)"));
}

TEST_F(Retry, NeverRunsAHandlerTwiceUnlessItMay) {
  int ran = 0;
  const auto lose = [&] {
    ++ran;
    server.peer(client.instance_id()).disconnect();
    return 1;
  };
  server.add(unary("lost", lose, {Execution::inline_})).value();

  EXPECT_TRUE(with(three_times).call<int>("lost").error().is(Errc::connection_lost));
  EXPECT_EQ(ran, 1);

  RetryPolicy idempotent = three_times;
  idempotent.idempotent = true;
  EXPECT_TRUE(with(idempotent).call<int>("lost").error().is(Errc::connection_lost));
  EXPECT_EQ(ran, 4);
}

TEST_F(Retry, RepeatsAHandlerWhoseOwnCallFailedOnlyIfItMayRunTwice) {
  int ran = 0;
  const auto relay = [&]() -> Result<int> {
    if (++ran < 3) return Error(Errc::overloaded, "who is behind it");
    return ran;
  };
  server.add(unary("relay", relay, {Execution::inline_})).value();

  const auto refused = with(three_times).call<int>("relay");
  EXPECT_TRUE(refused.error().is(Errc::overloaded));
  EXPECT_EQ(refused.error().ran, Ran::yes);
  EXPECT_EQ(ran, 1);

  RetryPolicy idempotent = three_times;
  idempotent.idempotent = true;
  EXPECT_EQ(with(idempotent).call<int>("relay").value(), 3);
}

TEST_F(Retry, CanBeStoppedBetweenAttempts) {
  std::stop_source stop;
  CallOptions options;
  options.retry = three_times;
  options.stop = stop.get_token();
  client.after(50ms, [&] { stop.request_stop(); });
  const TimePoint before = client.now();

  EXPECT_TRUE(peer.with(options).call<int>("busy").has_error());
  EXPECT_EQ(client.now() - before, 50ms);
}

TEST_F(Retry, CanBeCancelledBetweenAttempts) {
  std::stop_source stop;
  CallOptions options;
  options.retry = three_times;
  options.stop = stop.get_token();
  std::optional<Result<int>> got;
  peer.with(options).async_call<int>("busy", 0, [&](Result<int> reply) { got = reply; });
  network.advance(50ms);
  ASSERT_FALSE(got);

  stop.request_stop();
  network.settle();

  ASSERT_TRUE(got);
  EXPECT_TRUE(got->error().is(Errc::cancelled));
  network.advance(10s);
  EXPECT_EQ(server.counters().messages_refused, 1u);
}

TEST_F(Retry, EndsWhenItsNodeCloses) {
  std::optional<Result<int>> got;
  with(three_times).async_call<int>("busy", 0, [&](Result<int> reply) { got = reply; });
  network.advance(50ms);
  ASSERT_FALSE(got);

  client.close().value();

  ASSERT_TRUE(got);
  EXPECT_TRUE(got->error().is(Errc::shut_down));
}

TEST_F(Retry, ReachesAServerThatStartsLate) {
  Node& first = network.add_node();
  const Peer gone = client.connect(first.listen("inproc://late").value()).value();
  first.close().value();
  network.settle();
  Node& again = network.add_node();
  again.add(unary("hello", [] { return 7; }, {Execution::inline_})).value();
  again.after(250ms, [&] { again.listen("inproc://late").value(); });
  CallOptions options;
  options.retry = three_times;

  EXPECT_TRUE(gone.call<int>("hello").has_error());
  EXPECT_EQ(gone.with(options).call<int>("hello").value(), 7);
}

}  // namespace
}  // namespace trestle
