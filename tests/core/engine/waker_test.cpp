// Sleeping and waking: no wake-up is lost, none is written that nobody sleeps for.
#include "engine/waker.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

namespace trestle::engine {
namespace {

using namespace std::chrono_literals;

// Long enough that reaching it means a lost wake-up.
constexpr TimePoint watchdog = 20s;

TimePoint slept(Waker& waker, std::optional<TimePoint> timeout, const std::vector<int>& fds = {}) {
  const auto start = std::chrono::steady_clock::now();
  waker.sleep(fds, timeout);
  return std::chrono::steady_clock::now() - start;
}

TEST(Waker, DoesNotSleepWhenWokenBetweenPreparingAndSleeping) {
  Waker waker;
  waker.prepare_sleep();
  waker.wake();

  EXPECT_LT(slept(waker, watchdog), watchdog);
}

TEST(Waker, SleepsUntilTheTimeoutWhenWokenBeforePreparing) {
  Waker waker;
  waker.wake();
  waker.prepare_sleep();

  EXPECT_GE(slept(waker, 5ms), 5ms);
}

TEST(Waker, ForgetsAWakeUpOnceItEndedASleep) {
  Waker waker;
  waker.prepare_sleep();
  waker.wake();
  waker.sleep({}, watchdog);
  waker.prepare_sleep();

  EXPECT_GE(slept(waker, 5ms), 5ms);
}

TEST(Waker, EndsItsSleepWhenADescriptorIsReadable) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  ASSERT_EQ(::write(pipe[1], "x", 1), 1);
  Waker waker;
  waker.prepare_sleep();

  EXPECT_LT(slept(waker, watchdog, {pipe[0]}), watchdog);

  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(Waker, TakesATimeoutInThePastAsNone) {
  Waker waker;
  waker.prepare_sleep();

  EXPECT_LT(slept(waker, -1s), watchdog);
}

TEST(Waker, LosesNoWakeUpBetweenAProducerAndASleeper) {
  constexpr int rounds = 20'000;
  Waker waker;
  std::atomic<int> produced{0};
  std::atomic<int> seen{0};
  std::thread producer([&] {
    for (int i = 1; i <= rounds; ++i) {
      produced.store(i);
      waker.wake();
      // The sleeper must see this one before the next may cover up for it.
      while (seen.load() < i) std::this_thread::yield();
    }
  });

  bool lost = false;
  while (seen.load() < rounds && !lost) {
    waker.prepare_sleep();
    if (produced.load() == seen.load()) {
      lost = slept(waker, watchdog) >= watchdog;
    } else {
      waker.stay_awake();
    }
    seen.store(produced.load());
  }
  seen.store(rounds);
  producer.join();

  EXPECT_FALSE(lost);
}

}  // namespace
}  // namespace trestle::engine
