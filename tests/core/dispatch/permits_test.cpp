// Bounded runs of one handler.
#include "dispatch/permits.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace trestle::dispatch {
namespace {

TEST(Permits, GiveOutNoMoreThanTheLimit) {
  Permits permits(2);

  EXPECT_EQ(permits.acquire([] {}, 10), Permits::Outcome::acquired);
  EXPECT_EQ(permits.acquire([] {}, 10), Permits::Outcome::acquired);
  EXPECT_EQ(permits.acquire([] {}, 10), Permits::Outcome::queued);
}

TEST(Permits, PassOnInTheOrderOfAsking) {
  Permits permits(1);
  std::vector<int> ran;
  ASSERT_EQ(permits.acquire([] {}, 10), Permits::Outcome::acquired);
  ASSERT_EQ(permits.acquire([&] { ran.push_back(2); }, 10), Permits::Outcome::queued);
  ASSERT_EQ(permits.acquire([&] { ran.push_back(3); }, 10), Permits::Outcome::queued);

  permits.release()();
  permits.release()();

  EXPECT_EQ(ran, (std::vector{2, 3}));
}

TEST(Permits, AreFreeAgainOnceNobodyWaits) {
  Permits permits(1);
  ASSERT_EQ(permits.acquire([] {}, 10), Permits::Outcome::acquired);

  EXPECT_FALSE(permits.release());
  EXPECT_EQ(permits.acquire([] {}, 10), Permits::Outcome::acquired);
}

TEST(Permits, StayTakenWhileOneIsPassedOn) {
  Permits permits(1);
  ASSERT_EQ(permits.acquire([] {}, 10), Permits::Outcome::acquired);
  ASSERT_EQ(permits.acquire([] {}, 10), Permits::Outcome::queued);

  EXPECT_TRUE(permits.release());
  EXPECT_EQ(permits.acquire([] {}, 10), Permits::Outcome::queued);
}

TEST(Permits, LetNoMoreWaitThanTold) {
  Permits permits(1);
  ASSERT_EQ(permits.acquire([] {}, 1), Permits::Outcome::acquired);
  ASSERT_EQ(permits.acquire([] {}, 1), Permits::Outcome::queued);

  EXPECT_EQ(permits.acquire([] {}, 1), Permits::Outcome::full);
}

TEST(Permits, LetGoOfATaskThatIsWithdrawn) {
  Permits permits(1);
  WaitingLine::Place first;
  WaitingLine::Place second;
  std::vector<int> ran;
  ASSERT_EQ(permits.acquire([] {}, 2), Permits::Outcome::acquired);
  ASSERT_EQ(permits.acquire([&] { ran.push_back(1); }, 2, &first), Permits::Outcome::queued);
  ASSERT_EQ(permits.acquire([&] { ran.push_back(2); }, 2, &second), Permits::Outcome::queued);

  EXPECT_TRUE(permits.withdraw(first));

  EXPECT_FALSE(permits.withdraw(first));
  EXPECT_EQ(permits.acquire([&] { ran.push_back(3); }, 2), Permits::Outcome::queued);
  permits.release()();
  EXPECT_FALSE(permits.withdraw(second)) << "it has its permit";
  permits.release()();
  EXPECT_EQ(ran, (std::vector{2, 3}));
}

TEST(Permits, AreUnlimitedWithoutALimit) {
  EXPECT_FALSE(Permits(0).is_limited());
  EXPECT_TRUE(Permits(1).is_limited());
}

}  // namespace
}  // namespace trestle::dispatch
