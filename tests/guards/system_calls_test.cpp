// What messages ask of the kernel.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <trestle/test_support/built_transports.hpp>

#include "counting.hpp"
#include "node_pair.hpp"

namespace trestle::guards {
namespace {

using test_support::meter_of_this_thread;
using test_support::system_calls;
using test_support::SystemCalls;

std::string name_of(const std::string& uri) {
  std::string name = uri.substr(0, uri.find(':'));
  std::replace(name.begin(), name.end(), '+', '_');
  return name;
}

class SystemCallsOf : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { TRESTLE_SKIP_UNDER_SANITIZERS(); }

  static SystemCalls by_this_thread() { return system_calls(meter_of_this_thread()); }

  /// As `read` counts them, per message; `work` handles so many.
  template <class Read, class Work>
  static double per_message(const Bound& bound, int messages, const Read& read, const Work& work) {
    work();
    const auto count = [&] {
      const int before = read();
      work();
      return static_cast<double>(read() - before) / messages;
    };
    return fewest(bound, count);
  }

  NodePair pair_{GetParam()};
  Payload small_ = Payload::copy(std::string(64, 'x'));
};

INSTANTIATE_TEST_SUITE_P(Transports, SystemCallsOf,
                         ::testing::Values("unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& kind) { return name_of(kind.param); });

class BlockingCall : public SystemCallsOf {};

INSTANTIATE_TEST_SUITE_P(Transports, BlockingCall,
                         ::testing::Values("inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& kind) { return name_of(kind.param); });

TEST_P(BlockingCall, AsksTheKernelLittleAtTheClient) {
  constexpr int calls = 200;
  const double counted = per_message(
      client_call, calls, [] { return by_this_thread().total(); },
      [&] { pair_.call("echo", small_, calls); });

  EXPECT_GT(counted, 0.5) << "the meter does not count";
  expect_within(counted, client_call, "system calls of the caller");
}

TEST_P(BlockingCall, AsksTheKernelLittleAtTheServer) {
  constexpr int calls = 200;
  pair_.call("echo", small_, 1);
  const double counted = per_message(
      server_call, calls, [&] { return pair_.server_calls().total(); },
      [&] { pair_.call("echo", small_, calls); });

  EXPECT_GT(counted, 0.5) << "the meter does not count";
  expect_within(counted, server_call, "system calls of the server");
}

/// libzmq's own threads send and receive; these are the calls of ours.
class CallOverZmq : public SystemCallsOf {};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CallOverZmq);
INSTANTIATE_TEST_SUITE_P(Transports, CallOverZmq,
                         ::testing::ValuesIn(test_support::of_this_build({"zmq+tcp://127.0.0.1:0",
                                                                          "zmq+ipc://*"})),
                         [](const auto& kind) { return name_of(kind.param); });

TEST_P(CallOverZmq, AsksTheKernelLittleAtTheClient) {
  constexpr int calls = 200;
  const double counted = per_message(
      zmq_call, calls, [] { return by_this_thread().total(); },
      [&] { pair_.call("echo", small_, calls); });

  EXPECT_GT(counted, 3.0) << "the meter does not count";
  expect_within(counted, zmq_call, "system calls of the caller");
}

TEST_P(CallOverZmq, AsksTheKernelLittleAtTheServer) {
  constexpr int calls = 200;
  pair_.call("echo", small_, 1);
  const double counted = per_message(
      zmq_call, calls, [&] { return pair_.server_calls().total(); },
      [&] { pair_.call("echo", small_, calls); });

  EXPECT_GT(counted, 3.0) << "the meter does not count";
  expect_within(counted, zmq_call, "system calls of the server");
}

TEST_P(SystemCallsOf, ABlockingCallToWakeThreads) {
  constexpr int calls = 200;
  const double counted = per_message(
      eventfd_writes, calls, [] { return system_calls().event_writes; },
      [&] { pair_.call("echo", small_, calls); });

  expect_within(counted, eventfd_writes, "writes to an eventfd");
}

TEST_P(SystemCallsOf, ABlockingCallToWakeParkedThreads) {
  // Few, so that one of the rounds is not interrupted: after a gap the core thread leads.
  constexpr int calls = 25;
  const double counted = per_message(
      futex_wakes, calls, [] { return system_calls().futex_wakes; },
      [&] { pair_.call("echo", small_, calls); });

  expect_within(counted, futex_wakes, "futex wakes");
}

TEST_P(SystemCallsOf, APipeOfCalls) {
  constexpr int calls = 4096;
  const double counted = per_message(
      pipe, calls, [] { return system_calls().writes + system_calls().reads; },
      [&] { pair_.call_without_blocking(small_, calls, 256); });

  EXPECT_GT(counted, 0.0) << "the meter does not count";
  expect_within(counted, pipe, "writes and reads of sockets, both sides");
}

TEST_P(SystemCallsOf, APipeOfCallsToWakeThreads) {
  constexpr int calls = 4096;
  const double counted = per_message(
      eventfd_writes, calls,
      [] { return system_calls().event_writes + system_calls().futex_wakes; },
      [&] { pair_.call_without_blocking(small_, calls, 256); });

  expect_within(counted, eventfd_writes, "writes to an eventfd, futex wakes");
}

TEST_P(SystemCallsOf, MessagesThatNobodyAnswers) {
  constexpr int messages = 4096;
  const double counted = per_message(
      one_way, messages, [] { return system_calls().writes; },
      [&] { pair_.send(small_, messages); });

  EXPECT_GT(counted, 0.0) << "the meter does not count";
  expect_within(counted, one_way, "writes to a socket, both sides");
}

TEST_P(SystemCallsOf, CallersThatAreParked) {
  constexpr int callers = 8;
  const auto round = [&] {
    const int before = system_calls().futex_wakes;
    pair_.expect_held(callers);
    std::vector<std::thread> threads;
    for (int i = 0; i < callers; ++i) {
      threads.emplace_back([&] { pair_.call("hold", small_, 1); });
    }
    pair_.answer_held();
    for (std::thread& thread : threads) thread.join();
    return static_cast<double>(system_calls().futex_wakes - before) / (callers - 1);
  };
  const double counted = fewest(wakes_of_parked, round);

  // All but one are parked once the server has seen their requests.
  EXPECT_GE(counted, 1.0) << "who was parked cannot have noticed otherwise";
  expect_within(counted, wakes_of_parked, "futex wakes of each parked caller");
}

class WakeUps : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Transports, WakeUps,
                         ::testing::Values("inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& kind) { return name_of(kind.param); });

/// How often threads of this process went to sleep, whatever for.
double sleeps() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_nvcsw);
}

TEST_P(WakeUps, OfAnIdlePair) {
  TRESTLE_SKIP_UNDER_SANITIZERS();
  NodePair pair(GetParam());
  pair.call("echo", Payload::copy("used once"), 10);
  const auto count = [] {
    const double before = sleeps();
    ::poll(nullptr, 0, 1000);  // the period that is looked at; one of the sleeps
    return sleeps() - before;
  };
  // In the first second the hold watches find out that there is nothing to look at any more.
  const double counted = fewest(idle_wake_ups, count, 4);

  EXPECT_GE(counted, 1.0) << "the meter does not count";
  expect_within(counted, idle_wake_ups, "sleeps in a second, this thread's included");
}

}  // namespace
}  // namespace trestle::guards
