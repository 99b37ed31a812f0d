// Callables that are moved, never copied.
#include <gtest/gtest.h>
#include <trestle/detail/unique_function.hpp>

#include <array>
#include <memory>

namespace trestle::detail {
namespace {

TEST(UniqueFunction, CallsWhatItWasMadeOf) {
  UniqueFunction<int(int)> twice = [](int value) { return 2 * value; };

  EXPECT_EQ(twice(21), 42);
}

TEST(UniqueFunction, HoldsMoveOnlyCallables) {
  UniqueFunction<int()> held = [value = std::make_unique<int>(7)] { return *value; };
  UniqueFunction<int()> moved = std::move(held);

  EXPECT_FALSE(held);
  EXPECT_EQ(moved(), 7);
}

TEST(UniqueFunction, HoldsCallablesLargerThanItself) {
  std::array<int, 64> many{};
  many.back() = 9;
  UniqueFunction<int()> held = [many] { return many.back(); };
  UniqueFunction<int()> moved;
  moved = std::move(held);

  EXPECT_EQ(moved(), 9);
}

TEST(UniqueFunction, DestroysWhatItHoldsOnce) {
  const auto counted = std::make_shared<int>(0);
  {
    UniqueFunction<void()> small = [counted] {};
    UniqueFunction<void()> large = [counted, room = std::array<char, 256>{}] {};
    UniqueFunction<void()> moved = std::move(small);
    moved = std::move(large);
    EXPECT_EQ(counted.use_count(), 2);
  }

  EXPECT_EQ(counted.use_count(), 1);
}

}  // namespace
}  // namespace trestle::detail
