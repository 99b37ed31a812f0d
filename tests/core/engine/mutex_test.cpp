// The engine's mutex under threads that wait, spin and sleep for it.
#include "engine/mutex.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "platform/relax.hpp"

namespace trestle::engine {
namespace {

TEST(Mutex, IsFreeAgainAfterUnlock) {
  Mutex mutex;

  EXPECT_TRUE(mutex.try_lock());
  EXPECT_FALSE(mutex.try_lock());
  mutex.unlock();

  EXPECT_TRUE(mutex.try_lock());
}

TEST(Mutex, LetsOneThreadInAtATime) {
  constexpr int threads_count = 4;
  constexpr int rounds = 20'000;
  Mutex mutex;
  int counted = 0;

  std::vector<std::jthread> threads;
  for (int i = 0; i < threads_count; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        const Lock lock(mutex);
        ++counted;
      }
    });
  }
  threads.clear();

  EXPECT_EQ(counted, threads_count * rounds);
  EXPECT_FALSE(mutex.is_contended());
}

TEST(Mutex, WakesAllThatSleptForIt) {
  constexpr int rounds = 200;
  Mutex mutex;
  int passed = 0;
  const auto pass = [&] {
    const Lock lock(mutex);
    ++passed;
  };

  for (int round = 0; round < rounds; ++round) {
    mutex.lock();
    std::jthread first(pass);
    std::jthread second(pass);
    while (!mutex.is_contended()) platform::relax();
    // By far longer than they spin: most often both sleep.
    for (int i = 0; i < 20'000; ++i) platform::relax();
    mutex.unlock();
  }

  EXPECT_EQ(passed, 2 * rounds);
}

// A process that had one thread when it took the mutex may have two when it lets go.
TEST(Mutex, IsHandedFromALoneThreadToTheNextOne) {
  Mutex mutex;
  bool seen = false;
  mutex.lock();
  bool ready = false;

  std::jthread other([&] {
    const Lock lock(mutex);
    seen = ready;
  });
  while (!mutex.is_contended()) platform::relax();
  ready = true;
  mutex.unlock();
  other.join();

  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace trestle::engine
