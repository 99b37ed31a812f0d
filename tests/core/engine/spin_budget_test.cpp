// How long polling pays.
#include "engine/spin_budget.hpp"

#include <gtest/gtest.h>

namespace trestle::engine {
namespace {

using namespace std::chrono_literals;

constexpr auto none = 0ns;
constexpr auto long_sleep = 1s;

/// Idle times until polling is tried again.
int idle_times_until_a_probe(SpinBudget& budget) {
  for (int i = 1; i < 10'000; ++i) {
    if (budget.next() > none) return i;
  }
  return -1;
}

TEST(SpinBudget, NeverPollsWhenOff) {
  SpinBudget budget(Spin::off, 8);
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(budget.next(), none);
    budget.missed(1us);
  }
}

TEST(SpinBudget, AlwaysPollsWhenOn) {
  SpinBudget budget(Spin::on, 1);
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(budget.next(), SpinBudget::longest);
    budget.missed(long_sleep);
  }
}

TEST(SpinBudget, NeverPollsByItselfOnOneCpu) {
  SpinBudget budget(Spin::automatic, 1);
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(budget.next(), none);
}

TEST(SpinBudget, ProbesNowAndThen) {
  SpinBudget budget(Spin::automatic, 2);

  EXPECT_EQ(budget.next(), none);
  EXPECT_GT(budget.next(), none);
}

TEST(SpinBudget, GrowsWhileItPaysUpToItsBound) {
  SpinBudget budget(Spin::automatic, 2);
  ASSERT_GT(idle_times_until_a_probe(budget), 0);
  const auto first = budget.next();

  budget.paid();
  EXPECT_GT(budget.next(), first);
  for (int i = 0; i < 100; ++i) budget.paid();

  EXPECT_EQ(budget.next(), SpinBudget::longest);
}

TEST(SpinBudget, TriesLongerAFewTimesWhenItMissedBarely) {
  SpinBudget budget(Spin::automatic, 2);
  ASSERT_GT(idle_times_until_a_probe(budget), 0);
  const auto first = budget.next();

  budget.missed(1us);

  EXPECT_GT(budget.next(), first);
  for (int i = 0; i < 100 && budget.next() > none; ++i) budget.missed(1us);
  EXPECT_EQ(budget.next(), none);
}

TEST(SpinBudget, GivesUpAtOnceWhenItMissedByFar) {
  SpinBudget budget(Spin::automatic, 2);
  ASSERT_GT(idle_times_until_a_probe(budget), 0);
  for (int i = 0; i < 10; ++i) budget.paid();

  budget.missed(long_sleep);

  EXPECT_EQ(budget.next(), none);
}

TEST(SpinBudget, ProbesMoreSeldomTheMoreOftenItMissed) {
  SpinBudget budget(Spin::automatic, 2);
  int last = idle_times_until_a_probe(budget);

  for (int i = 0; i < 5; ++i) {
    budget.missed(long_sleep);
    const int next = idle_times_until_a_probe(budget);
    EXPECT_GT(next, last);
    last = next;
  }
  for (int i = 0; i < 50; ++i) {
    budget.missed(long_sleep);
    last = idle_times_until_a_probe(budget);
  }
  EXPECT_EQ(last, 1024) << "but it never stops";
}

TEST(SpinBudget, ProbesOftenAgainOnceItPaid) {
  SpinBudget budget(Spin::automatic, 2);
  for (int i = 0; i < 20; ++i) {
    idle_times_until_a_probe(budget);
    budget.missed(long_sleep);
  }
  ASSERT_GT(idle_times_until_a_probe(budget), 0);

  budget.paid();
  budget.missed(long_sleep);

  EXPECT_LE(idle_times_until_a_probe(budget), 4);
}

/// An idle time of a node, told what its leader sees.
class PolledTimeTest : public ::testing::Test {
 protected:
  PolledTimeTest() { idle_times_until_a_probe(spin_); }

  /// Looks that take nothing; false: polling has ended before.
  bool look(int times, std::chrono::nanoseconds apart, bool is_preempted = false) {
    for (int i = 0; i < times; ++i) {
      if (time_.is_over()) return false;
      now_ += apart;
      time_.begin_look(now_, [=] { return is_preempted; });
    }
    return !time_.is_over();
  }

  SpinBudget spin_{Spin::automatic, 2};
  TimePoint now_{1};
  PolledTime time_{spin_, 10us, now_};
};

TEST_F(PolledTimeTest, EndsWithItsBudget) {
  EXPECT_TRUE(look(9, 1us));
  EXPECT_FALSE(look(1, 1us));
}

TEST_F(PolledTimeTest, PaysIfSomethingCameAfterTheFirstLook) {
  const auto before = spin_.next();
  look(1, 1us);
  time_.found();
  EXPECT_EQ(spin_.next(), before) << "it was there before";

  look(1, 1us);
  time_.found();

  EXPECT_GT(spin_.next(), before);
}

TEST_F(PolledTimeTest, GoesOnWhilePartsOfSomethingLargeComeIn) {
  const auto before = spin_.next();

  look(1, 1us);
  EXPECT_TRUE(look(20, 30us)) << "each took 30 µs, and the whole is not there yet";
  time_.found();

  EXPECT_GT(spin_.next(), before);
}

TEST_F(PolledTimeTest, EndsWithItsBudgetAfterTheLastPart) {
  look(1, 1us);
  EXPECT_TRUE(look(20, 30us));

  EXPECT_TRUE(look(9, 1us));
  EXPECT_FALSE(look(1, 1us));
}

TEST_F(PolledTimeTest, EndsWithItsBudgetWhereLooksAreJustSlow) {
  EXPECT_TRUE(look(1, 9us));
  EXPECT_FALSE(look(1, 9us));
}

TEST_F(PolledTimeTest, EndsSometimeWhereManyLooksAreJustSlow) {
  look(1, 1us);
  EXPECT_TRUE(look(33, 30us));
  EXPECT_FALSE(look(3, 30us)) << "a millisecond has passed";

  spin_.missed(long_sleep);

  EXPECT_EQ(spin_.next(), none);
}

TEST_F(PolledTimeTest, EndsPollingWhereAnotherThreadNeedsTheCpu) {
  look(1, 1us);
  look(1, 9us, /*is_preempted=*/true);
  time_.found();

  EXPECT_EQ(spin_.next(), none);
}

TEST_F(PolledTimeTest, TakesTheLockOfOthersForNeither) {
  const auto before = spin_.next();
  now_ += 9us;
  time_.begin_look_after_others(now_);
  EXPECT_EQ(spin_.next(), before);

  look(1, 100ns);
  time_.found();

  EXPECT_GT(spin_.next(), before);
}

TEST_F(PolledTimeTest, TakesTheLockOfOthersForNoShortLook) {
  time_.begin_look_after_others(now_);

  EXPECT_TRUE(look(1, 9us));
  EXPECT_FALSE(look(1, 9us)) << "all looks were long";
}

}  // namespace
}  // namespace trestle::engine
