// Calls that end, or whose node ends, between two attempts.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <latch>
#include <limits>
#include <stdexcept>
#include <thread>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::TestNetwork;

Result<int> fail() {
  return Error(Errc::overloaded, "no luck");
}

CallOptions repeating(RetryPolicy policy, std::chrono::nanoseconds timeout = 60s) {
  policy.idempotent = true;  // "fail" ran
  CallOptions options;
  options.retry = policy;
  options.timeout = timeout;
  return options;
}

class EndedRetries : public ::testing::Test {
 protected:
  EndedRetries() { server.add(unary("fail", fail, {Execution::inline_})).value(); }

  std::string logged;
  TestNetwork network;
  Node& server = network.add_node();
  Node& client =
      network.add_node({.log = [this](LogLevel, std::string_view line) { logged += line; }});
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
};

TEST_F(EndedRetries, TellThatTheyWereStopped) {
  std::stop_source source;
  CallOptions options = repeating({.attempts_max = 3, .jitter = 0});
  options.stop = source.get_token();
  client.after(50ms, [&] { source.request_stop(); });

  const auto stopped = peer.with(options).call<int>("fail");

  EXPECT_TRUE(stopped.error().is(Errc::cancelled)) << stopped.error();
  EXPECT_THAT(stopped.error().text, HasSubstr("no luck"));
  EXPECT_EQ(stopped.error().ran, Ran::yes);
  EXPECT_EQ(client.now(), 50ms);
}

TEST_F(EndedRetries, EndWithTheirNodeAlthoughASlotKnowsThem) {
  boost::asio::cancellation_signal signal;
  std::optional<Result<int>> got;
  peer.with(repeating({.attempts_max = 3}))
      .async_call<int>("fail", 0,
                       boost::asio::bind_cancellation_slot(
                           signal.slot(), [&](Result<int> reply) { got = std::move(reply); }));
  network.settle();
  ASSERT_FALSE(got);

  client.close().value();

  ASSERT_TRUE(got);
  EXPECT_TRUE(got->error().is(Errc::shut_down)) << got->error();
}

TEST_F(EndedRetries, CanBeCancelledThroughASlot) {
  boost::asio::cancellation_signal signal;
  std::optional<Result<int>> got;
  peer.with(repeating({.attempts_max = 3}))
      .async_call<int>("fail", 0,
                       boost::asio::bind_cancellation_slot(
                           signal.slot(), [&](Result<int> reply) { got = std::move(reply); }));
  network.settle();

  signal.emit(boost::asio::cancellation_type::terminal);
  network.settle();

  ASSERT_TRUE(got);
  EXPECT_TRUE(got->error().is(Errc::cancelled)) << got->error();
  EXPECT_THAT(got->error().text, HasSubstr("no luck"));
}

TEST_F(EndedRetries, SurviveACompletionThatThrowsWhenTheirNodeEnds) {
  peer.with(repeating({.attempts_max = 3})).async_call<int>("fail", 0, [&](const Result<int>&) {
    throw std::runtime_error("from the completion");
  });
  network.settle();

  EXPECT_TRUE(client.close().has_value());
}

TEST_F(EndedRetries, LogACompletionThatThrows) {
  boost::asio::cancellation_signal signal;
  peer.with(repeating({.attempts_max = 3}))
      .async_call<int>("fail", 0,
                       boost::asio::bind_cancellation_slot(signal.slot(), [&](const Result<int>&) {
                         throw std::runtime_error("from the completion");
                       }));
  network.settle();

  signal.emit(boost::asio::cancellation_type::terminal);
  network.settle();

  EXPECT_THAT(logged, HasSubstr("the completion of a call threw: from the completion"));
}

TEST_F(EndedRetries, TakeDelaysAndJittersThatAreNoNumbers) {
  RetryPolicy policy{.attempts_max = 2};
  policy.jitter = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(peer.with(repeating(policy)).call<int>("fail").has_error());
  EXPECT_EQ(client.now(), 100ms);

  policy = {.attempts_max = 3, .factor = 1e300, .delay_max = 1000000h, .jitter = 0};
  policy.delay_max = std::chrono::nanoseconds::max();
  const auto late = peer.with(repeating(policy, 1s)).call<int>("fail");
  EXPECT_THAT(late.error().text, HasSubstr("(2 attempts, no time is left for another)"));
  EXPECT_EQ(client.now(), 200ms);

  policy.delay = -1h;
  EXPECT_TRUE(peer.with(repeating(policy)).call<int>("fail").has_error());
  EXPECT_EQ(client.now(), 200ms);
}

/// Nodes on threads of their own.
class ThreadedRetries : public ::testing::Test {
 protected:
  ThreadedRetries() {
    const auto ask = [this] {
      if (asked.fetch_add(1) == 0) first.count_down();
      return fail();
    };
    server.add(unary("fail", ask, {Execution::inline_})).value();
  }

  std::latch first{1};
  std::atomic<int> asked{0};
  Node server;
  Node client{{.close_timeout = 100ms}};
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  const RetryPolicy hourly{.attempts_max = 3, .delay = 1h, .delay_max = 1h};
  const std::chrono::nanoseconds endless = std::chrono::nanoseconds::max();
};

TEST_F(ThreadedRetries, DoNotHoldUpCloseWhereTheyBlock) {
  std::optional<Result<int>> got;
  std::jthread caller([&] { got = peer.with(repeating(hourly, endless)).call<int>("fail"); });
  first.wait();
  while (client.counters().calls_pending != 0) std::this_thread::yield();

  const auto closed = client.close();
  caller.join();

  EXPECT_TRUE(closed.has_value()) << closed.error();
  EXPECT_TRUE(got->error().is(Errc::shut_down)) << got->error();
  EXPECT_THAT(got->error().text, HasSubstr("no luck"));
  EXPECT_EQ(asked, 1);
}

TEST_F(ThreadedRetries, DoNotHoldUpCloseInAHandler) {
  std::optional<Result<int>> got;
  client.add(am("relay", [&] { got = peer.with(repeating(hourly, endless)).call<int>("fail"); }))
      .value();
  client.peer(client.instance_id()).send("relay").value();
  first.wait();
  while (client.counters().calls_pending != 0) std::this_thread::yield();

  (void)client.close();

  EXPECT_TRUE(got->error().is(Errc::shut_down)) << got->error();
}

TEST_F(ThreadedRetries, EndWhereverTheirNodeCloses) {
  std::atomic<int> ended{0};
  const RetryPolicy often{.attempts_max = 1000, .delay = 1us, .factor = 1, .jitter = 1};
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 3; ++i) {
      callers.emplace_back([&] {
        const Peer stubborn = peer.with(repeating(often, endless));
        while (!stubborn.call<int>("fail").error().is(Errc::shut_down)) {
          stubborn.async_call<int>("fail", 0, [&](const Result<int>&) { --ended; });
          ++ended;
        }
      });
    }
    while (asked < 100) std::this_thread::yield();
    (void)client.close();
  }

  EXPECT_EQ(ended, 0);
}

}  // namespace
}  // namespace trestle
