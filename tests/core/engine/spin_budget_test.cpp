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
  SpinBudget budget(Spin::off);
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(budget.next(), none);
    budget.missed(1us);
  }
}

TEST(SpinBudget, AlwaysPollsWhenOn) {
  SpinBudget budget(Spin::on);
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(budget.next(), SpinBudget::always);
    budget.missed(long_sleep);
  }
}

TEST(SpinBudget, ProbesNowAndThen) {
  SpinBudget budget(Spin::automatic);

  EXPECT_EQ(budget.next(), none);
  EXPECT_GT(budget.next(), none);
}

TEST(SpinBudget, GrowsWhileItPaysUpToItsBound) {
  SpinBudget budget(Spin::automatic);
  ASSERT_GT(idle_times_until_a_probe(budget), 0);
  const auto first = budget.next();

  budget.paid();
  EXPECT_GT(budget.next(), first);
  for (int i = 0; i < 100; ++i) budget.paid();

  EXPECT_EQ(budget.next(), SpinBudget::longest);
}

TEST(SpinBudget, TriesLongerAFewTimesWhenItMissedBarely) {
  SpinBudget budget(Spin::automatic);
  ASSERT_GT(idle_times_until_a_probe(budget), 0);
  const auto first = budget.next();

  budget.missed(1us);

  EXPECT_GT(budget.next(), first);
  for (int i = 0; i < 100 && budget.next() > none; ++i) budget.missed(1us);
  EXPECT_EQ(budget.next(), none);
}

TEST(SpinBudget, GivesUpAtOnceWhenItMissedByFar) {
  SpinBudget budget(Spin::automatic);
  ASSERT_GT(idle_times_until_a_probe(budget), 0);
  for (int i = 0; i < 10; ++i) budget.paid();

  budget.missed(long_sleep);

  EXPECT_EQ(budget.next(), none);
}

TEST(SpinBudget, ProbesMoreSeldomTheMoreOftenItMissed) {
  SpinBudget budget(Spin::automatic);
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
  SpinBudget budget(Spin::automatic);
  for (int i = 0; i < 20; ++i) {
    idle_times_until_a_probe(budget);
    budget.missed(long_sleep);
  }
  ASSERT_GT(idle_times_until_a_probe(budget), 0);

  budget.paid();
  budget.missed(long_sleep);

  EXPECT_LE(idle_times_until_a_probe(budget), 4);
}

TEST(SpinBudget, KeepsOnThoughItMissedBarelyNowAndThen) {
  SpinBudget budget(Spin::automatic);
  ASSERT_GT(idle_times_until_a_probe(budget), 0);

  for (int i = 0; i < 100; ++i) {
    budget.paid();
    for (int barely = 0; barely < 5; ++barely) budget.missed(1us);
    ASSERT_GT(budget.next(), none) << i;
  }
}

TEST(SpinBudget, BeginsAnewWithHalfOfWhatPaid) {
  SpinBudget budget(Spin::automatic);
  ASSERT_GT(idle_times_until_a_probe(budget), 0);
  const auto first = budget.next();
  for (int i = 0; i < 10; ++i) budget.paid();

  budget.missed(long_sleep);
  idle_times_until_a_probe(budget);
  EXPECT_EQ(budget.next(), SpinBudget::longest / 2);

  for (int i = 0; i < 10; ++i) {
    budget.missed(long_sleep);
    idle_times_until_a_probe(budget);
  }
  EXPECT_EQ(budget.next(), first);
}

/// Looks until the CPU is offered once more.
int looks_until_an_offer(SpinBudget& budget) {
  for (int i = 1; i < 10'000'000; ++i) {
    if (budget.offers_cpu()) return i;
  }
  return -1;
}

TEST(SpinBudget, OffersTheCpuNowAndThenWhereNobodyTakesIt) {
  SpinBudget budget(Spin::on);
  EXPECT_EQ(looks_until_an_offer(budget), 1);

  for (int i = 0; i < 10; ++i) budget.offered_cpu(Offer::left);

  EXPECT_EQ(looks_until_an_offer(budget), 8);
}

TEST(SpinBudget, OffersTheCpuBeforeEachLookOnceItWasTaken) {
  SpinBudget budget(Spin::on);
  for (int i = 0; i < 10; ++i) budget.offered_cpu(Offer::left);

  budget.offered_cpu(Offer::taken);

  EXPECT_EQ(looks_until_an_offer(budget), 1);
}

TEST(SpinBudget, OffersTheCpuSeldomWhereItIsKept) {
  SpinBudget budget(Spin::on);

  budget.offered_cpu(Offer::kept);
  EXPECT_EQ(looks_until_an_offer(budget), 1024);
  for (int i = 0; i < 10; ++i) budget.offered_cpu(Offer::kept);

  EXPECT_EQ(looks_until_an_offer(budget), 1024 * 1024);
  for (int i = 0; i < 20; ++i) budget.offered_cpu(Offer::left);
  EXPECT_EQ(looks_until_an_offer(budget), 8) << "not for ever";
}

/// An idle time of a node, told what its leader sees.
class PolledTimeTest : public ::testing::Test {
 protected:
  PolledTimeTest() { idle_times_until_a_probe(spin_); }

  /// Looks that take nothing; false: polling has ended before.
  bool look(int times, std::chrono::nanoseconds apart) {
    for (int i = 0; i < times; ++i) {
      if (time_.is_over()) return false;
      now_ += apart;
      time_.begin_look(now_);
    }
    return !time_.is_over();
  }

  /// Others have the CPU before each look.
  bool look_between_others(int times, std::chrono::nanoseconds each) {
    for (int i = 0; i < times; ++i) {
      if (time_.is_over()) return false;
      now_ += each;
      time_.offered_cpu(each);
      now_ += 100ns;
      time_.begin_look(now_);
    }
    return !time_.is_over();
  }

  SpinBudget spin_{Spin::automatic};
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

  look(2, 1us);
  EXPECT_TRUE(look(20, 30us)) << "each took 30 µs, and the whole is not there yet";
  time_.found();

  EXPECT_GT(spin_.next(), before);
}

TEST_F(PolledTimeTest, GoesOnWhereASenderIsSlower) {
  look(2, 500ns);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(look(8, 500ns) && look(1, 3us)) << i;
}

TEST_F(PolledTimeTest, EndsWithItsBudgetAfterTheLastPart) {
  look(2, 1us);
  EXPECT_TRUE(look(20, 30us));

  EXPECT_TRUE(look(9, 1us));
  EXPECT_FALSE(look(1, 1us));
}

TEST_F(PolledTimeTest, EndsWithItsBudgetWhereLooksAreJustSlow) {
  look(1, 100ns);  // up to the first one
  EXPECT_TRUE(look(1, 9us));
  EXPECT_FALSE(look(1, 9us));
}

TEST_F(PolledTimeTest, EndsSoonWhereAFewLooksAreSlow) {
  look(2, 500ns);
  while (look(16, 500ns) && look(1, 2500ns)) {
  }

  EXPECT_GE(now_, 1ms) << "something large might be on its way";
  EXPECT_LT(now_, 1100us) << "they are less than a quarter of the time";

  spin_.missed(long_sleep);

  EXPECT_EQ(spin_.next(), none);
}

TEST_F(PolledTimeTest, TakesAnOfferThatNobodyTookForNoPartOfALook) {
  look(2, 500ns);
  const TimePoint before = now_;

  while (look(1, 500ns) && look_between_others(1, 2us)) {
  }

  EXPECT_LT(now_ - before, 15us) << "its budget is 10 µs";
}

TEST_F(PolledTimeTest, EndsSometimeWhereManyLooksAreJustSlow) {
  look(2, 1us);
  EXPECT_TRUE(look(1600, 30us));
  EXPECT_FALSE(look(100, 30us)) << "50 ms have passed";

  spin_.missed(long_sleep);

  EXPECT_EQ(spin_.next(), none);
}

TEST_F(PolledTimeTest, EndsPollingWhereAnotherThreadTookTheCpuForLong) {
  look(1, 1us);
  look(1, 2ms);
  time_.found();

  EXPECT_EQ(spin_.next(), none);
}

TEST_F(PolledTimeTest, CountsNoTimeThatOthersTakeWhenTheyAreOfferedTheCpu) {
  const auto before = spin_.next();

  EXPECT_TRUE(look_between_others(9, 100us));
  time_.found();

  EXPECT_GT(spin_.next(), before);
  EXPECT_EQ(looks_until_an_offer(spin_), 1);
}

TEST_F(PolledTimeTest, EndsSometimeWhereOthersTakeTheCpuAllTheTime) {
  EXPECT_FALSE(look_between_others(11, 100us));
}

TEST_F(PolledTimeTest, GoesOnPollingWhereTheCpuIsKept) {
  const auto before = spin_.next();
  look(1, 1us);

  look_between_others(1, 3ms);
  time_.found();

  EXPECT_GT(spin_.next(), before);
  EXPECT_EQ(looks_until_an_offer(spin_), 1024) << "it is not offered again soon";
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
