// The order of timers, and timers that touch timers.
#include "engine/timer_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

namespace trestle::engine {
namespace {

struct Probe final : Timer {
  explicit Probe(std::function<void()> f) : on_expire(std::move(f)) {}
  void expire() override { on_expire(); }
  std::function<void()> on_expire;
};

TEST(TimerQueue, FiresInOrderOfDueTimeThenOfArming) {
  TimerQueue queue;
  std::vector<int> fired;
  Probe late([&] { fired.push_back(3); });
  Probe first([&] { fired.push_back(1); });
  Probe second([&] { fired.push_back(2); });
  queue.arm(late, TimePoint(20));
  queue.arm(first, TimePoint(10));
  queue.arm(second, TimePoint(10));

  const std::size_t count = queue.expire(TimePoint(20));

  EXPECT_EQ(count, 3u);
  EXPECT_EQ(fired, (std::vector{1, 2, 3}));
}

TEST(TimerQueue, FiresInOrderHoweverTheyWereArmed) {
  TimerQueue queue;
  std::vector<int> fired;
  std::vector<std::unique_ptr<Probe>> timers;
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) {
    const int due = i * 37 % 20;
    const int order = due * 1000 + i;  // of due time, then of arming
    timers.push_back(std::make_unique<Probe>([&fired, order] { fired.push_back(order); }));
    queue.arm(*timers.back(), TimePoint(due));
    expected.push_back(order);
  }
  std::sort(expected.begin(), expected.end());

  queue.expire(TimePoint(20));

  EXPECT_EQ(fired, expected);
}

TEST(TimerQueue, FiresInOrderWhereSomeAreDueMuchLater) {
  TimerQueue queue;
  std::vector<int> fired;
  std::vector<std::unique_ptr<Probe>> timers;
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) {
    const int timeout = i % 7 < 2 ? 40 : 10;  // two in a row, now and then
    const int order = (i / 2 + timeout) * 1000 + i;
    timers.push_back(std::make_unique<Probe>([&fired, order] { fired.push_back(order); }));
    queue.arm(*timers.back(), TimePoint(i / 2 + timeout));
    expected.push_back(order);
  }
  std::sort(expected.begin(), expected.end());

  for (int now = 0; now <= 100; now += 3) {
    const auto next = queue.next();
    ASSERT_TRUE(!next || *next == TimePoint(expected[fired.size()] / 1000));
    queue.expire(TimePoint(now));
  }

  EXPECT_EQ(fired, expected);
}

TEST(TimerQueue, CancelsWhereverATimerStands) {
  TimerQueue queue;
  std::vector<int> fired;
  std::vector<std::unique_ptr<Probe>> timers;
  for (int i = 0; i < 60; ++i) {
    timers.push_back(std::make_unique<Probe>([&fired, i] { fired.push_back(i); }));
    queue.arm(*timers.back(), TimePoint(i * 37 % 20));
  }

  for (int i = 0; i < 60; ++i) {
    if (i != 30) queue.cancel(*timers[static_cast<std::size_t>(i)]);
  }

  EXPECT_EQ(queue.next(), TimePoint(30 * 37 % 20));
  EXPECT_EQ(queue.expire(TimePoint(20)), 1u);
  EXPECT_EQ(fired, std::vector{30});
}

TEST(TimerQueue, FiresAtTheDueTimeAndNotBefore) {
  TimerQueue queue;
  int fired = 0;
  Probe timer([&] { ++fired; });
  queue.arm(timer, TimePoint(10));

  EXPECT_EQ(queue.expire(TimePoint(9)), 0u);
  EXPECT_TRUE(timer.is_armed());
  EXPECT_EQ(queue.expire(TimePoint(10)), 1u);
  EXPECT_FALSE(timer.is_armed());
  EXPECT_EQ(fired, 1);
}

TEST(TimerQueue, MovesATimerThatIsArmedAgain) {
  TimerQueue queue;
  Probe timer([] {});
  queue.arm(timer, TimePoint(10));

  queue.arm(timer, TimePoint(30));

  EXPECT_EQ(queue.next(), TimePoint(30));
  EXPECT_EQ(queue.expire(TimePoint(10)), 0u);
  queue.cancel(timer);
}

TEST(TimerQueue, KnowsNoNextTimeWhenNothingIsArmed) {
  TimerQueue queue;
  Probe timer([] {});
  queue.arm(timer, TimePoint(10));

  queue.cancel(timer);

  EXPECT_EQ(queue.next(), std::nullopt);
}

TEST(TimerQueue, LeavesATimerArmedForNowToTheNextCall) {
  TimerQueue queue;
  int fired = 0;
  Probe timer([&] {
    ++fired;
    queue.arm(timer, TimePoint(10));
  });
  queue.arm(timer, TimePoint(10));

  EXPECT_EQ(queue.expire(TimePoint(10)), 1u);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(queue.expire(TimePoint(10)), 1u);
  queue.cancel(timer);
}

TEST(TimerQueue, DoesNotFireATimerThatAnotherDueOneCancels) {
  TimerQueue queue;
  std::vector<int> fired;
  Probe victim([&] { fired.push_back(2); });
  Probe last([&] { fired.push_back(3); });
  Probe first([&] {
    fired.push_back(1);
    queue.cancel(victim);
  });
  queue.arm(first, TimePoint(10));
  queue.arm(victim, TimePoint(10));
  queue.arm(last, TimePoint(10));

  queue.expire(TimePoint(10));

  EXPECT_EQ(fired, (std::vector{1, 3}));
  EXPECT_EQ(queue.next(), std::nullopt);
}

TEST(TimerQueue, PutsOffADueTimerThatAnotherDueOneMoves) {
  TimerQueue queue;
  int fired = 0;
  Probe moved([&] { ++fired; });
  Probe first([&] { queue.arm(moved, TimePoint(50)); });
  queue.arm(first, TimePoint(10));
  queue.arm(moved, TimePoint(10));

  queue.expire(TimePoint(10));

  EXPECT_EQ(fired, 0);
  EXPECT_EQ(queue.next(), TimePoint(50));
  queue.cancel(moved);
}

TEST(TimerQueue, ForgetsATimerThatADueOneDestroys) {
  TimerQueue queue;
  auto victim = std::make_unique<Probe>([] { FAIL() << "fired after its end"; });
  Probe first([&] { victim.reset(); });
  queue.arm(first, TimePoint(10));
  queue.arm(*victim, TimePoint(10));

  EXPECT_EQ(queue.expire(TimePoint(10)), 1u);
  EXPECT_EQ(queue.next(), std::nullopt);
}

}  // namespace
}  // namespace trestle::engine
