// Shares of what may wait at once: never beyond the limit, and some left for whoever comes next.
#include "dispatch/fair_budget.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace trestle::dispatch {
namespace {

using Holder = FairBudget::Holder;

TEST(FairBudget, GivesOneHolderHalfAndNoMore) {
  FairBudget budget(10);
  Holder one;
  const auto first = budget.take(one, 2);
  const auto second = budget.take(one, 3);

  EXPECT_TRUE(second);
  EXPECT_FALSE(budget.take(one, 1));
  EXPECT_EQ(one.amount(), 5u);
}

TEST(FairBudget, GivesWhoeverHoldsNothingAllThatIsLeft) {
  FairBudget budget(10);
  Holder greedy;
  Holder other;
  const auto first = budget.take(greedy, 5);

  EXPECT_FALSE(budget.take(other, 6));
  EXPECT_TRUE(budget.take(other, 5));
}

TEST(FairBudget, LeavesSomeForEachThatComesHoweverGreedyTheOthersAre) {
  FairBudget budget(1000);
  std::vector<Holder> greedy(9);
  std::vector<FairBudget::Share> shares;
  for (bool more = true; more;) {
    more = false;
    for (Holder& one : greedy) {
      if (auto share = budget.take(one, 1)) {
        shares.push_back(std::move(share));
        more = true;
      }
    }
  }

  Holder late;
  EXPECT_TRUE(budget.take(late, 100));
  for (const Holder& one : greedy) EXPECT_NEAR(static_cast<double>(one.amount()), 100, 2);
}

TEST(FairBudget, GivesTheModestWhateverOthersHold) {
  FairBudget budget(10, 2);
  Holder greedy;
  Holder modest;
  const auto all = budget.take(greedy, 10);
  const auto first = budget.take(modest, 2);

  EXPECT_TRUE(first);
  EXPECT_FALSE(budget.take(modest, 1));
}

TEST(FairBudget, GetsBackWhatAShareTook) {
  FairBudget budget(10);
  Holder one;
  Holder other;
  {
    auto share = budget.take(one, 10);
    const auto moved = std::move(share);
    EXPECT_FALSE(budget.take(other, 1));
  }

  EXPECT_EQ(one.amount(), 0u);
  EXPECT_TRUE(budget.take(other, 10));
}

TEST(FairBudget, GivesAnySizeWhileNothingIsTaken) {
  FairBudget budget(10);
  Holder one;
  Holder other;
  const auto large = budget.take(one, 1000);

  EXPECT_TRUE(large);
  EXPECT_FALSE(budget.take(other, 0x7fff'ffff));
  EXPECT_FALSE(budget.take(other, 1));
}

TEST(FairBudget, MayGoBeforeItsShares) {
  Holder one;
  auto budget = std::make_optional<FairBudget>(10u);
  const auto share = budget->take(one, 6);

  budget.reset();

  EXPECT_TRUE(share);
}

}  // namespace
}  // namespace trestle::dispatch
