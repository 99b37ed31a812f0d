// Bounded runs of one handler.
#include "dispatch/permits.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace trestle::dispatch {
namespace {

TEST(Permits, GiveOutNoMoreThanTheLimit) {
  Permits permits(2);
  Permits::Task task = [] {};

  EXPECT_TRUE(permits.acquire_or_queue(task));
  EXPECT_TRUE(permits.acquire_or_queue(task));
  EXPECT_FALSE(permits.acquire_or_queue(task));
}

TEST(Permits, PassOnInTheOrderOfAsking) {
  Permits permits(1);
  std::vector<int> ran;
  Permits::Task first = [] {};
  Permits::Task second = [&] { ran.push_back(2); };
  Permits::Task third = [&] { ran.push_back(3); };
  ASSERT_TRUE(permits.acquire_or_queue(first));
  ASSERT_FALSE(permits.acquire_or_queue(second));
  ASSERT_FALSE(permits.acquire_or_queue(third));

  permits.release()();
  permits.release()();

  EXPECT_EQ(ran, (std::vector{2, 3}));
}

TEST(Permits, AreFreeAgainOnceNobodyWaits) {
  Permits permits(1);
  Permits::Task task = [] {};
  ASSERT_TRUE(permits.acquire_or_queue(task));

  EXPECT_EQ(permits.release(), nullptr);
  EXPECT_TRUE(permits.acquire_or_queue(task));
}

TEST(Permits, StayTakenWhileOneIsPassedOn) {
  Permits permits(1);
  Permits::Task task = [] {};
  ASSERT_TRUE(permits.acquire_or_queue(task));
  ASSERT_FALSE(permits.acquire_or_queue(task));

  EXPECT_NE(permits.release(), nullptr);
  Permits::Task late = [] {};
  EXPECT_FALSE(permits.acquire_or_queue(late));
}

TEST(Permits, AreUnlimitedWithoutALimit) {
  EXPECT_FALSE(Permits(0).is_limited());
  EXPECT_TRUE(Permits(1).is_limited());
}

}  // namespace
}  // namespace trestle::dispatch
