// Bytes that may be held at once.
#include "dispatch/byte_budget.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace trestle::dispatch {
namespace {

TEST(ByteBudget, RefusesWhatGoesBeyondIt) {
  ByteBudget budget(10);
  const auto first = budget.take(6);

  EXPECT_TRUE(first);
  EXPECT_FALSE(budget.take(5));
  EXPECT_TRUE(budget.take(4));
}

TEST(ByteBudget, GetsBackWhatAShareTook) {
  ByteBudget budget(10);
  {
    auto share = budget.take(10);
    const auto moved = std::move(share);
    EXPECT_FALSE(budget.take(1));
  }

  EXPECT_TRUE(budget.take(10));
}

TEST(ByteBudget, GivesAnySizeWhileNothingIsTaken) {
  ByteBudget budget(10);
  const auto large = budget.take(1000);

  EXPECT_TRUE(large);
  EXPECT_FALSE(budget.take(0x7fff'ffff));
  EXPECT_FALSE(budget.take(1));
}

TEST(ByteBudget, MayGoBeforeItsShares) {
  auto budget = std::make_optional<ByteBudget>(10u);
  const auto share = budget->take(6);

  budget.reset();

  EXPECT_TRUE(share);
}

}  // namespace
}  // namespace trestle::dispatch
