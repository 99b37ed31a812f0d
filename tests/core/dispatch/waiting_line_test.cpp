// Tasks that wait, and leave in their turn or before.
#include "dispatch/waiting_line.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace trestle::dispatch {
namespace {

TEST(WaitingLine, TakesTurnsInOrderOfArrival) {
  WaitingLine line;
  std::vector<int> ran;
  for (const int i : {1, 2, 3}) line.push([&ran, i] { ran.push_back(i); });

  while (auto task = line.pop()) task();

  EXPECT_EQ(ran, (std::vector{1, 2, 3}));
  EXPECT_TRUE(line.empty());
}

TEST(WaitingLine, LetsAnyLeaveOnce) {
  WaitingLine line;
  std::vector<WaitingLine::Place> places(100);
  std::vector<int> ran;
  for (int i = 0; i < 100; ++i) {
    line.push([&ran, i] { ran.push_back(i); }, &places[static_cast<std::size_t>(i)]);
  }

  for (std::size_t i = 0; i < 100; ++i) {
    if (i % 3 == 0) continue;
    EXPECT_TRUE(line.withdraw(places[i]));
    EXPECT_FALSE(line.withdraw(places[i]));
  }

  EXPECT_EQ(line.size(), 34u);
  while (auto task = line.pop()) task();
  EXPECT_EQ(ran.size(), 34u);
  for (std::size_t i = 0; i < ran.size(); ++i) EXPECT_EQ(ran[i], static_cast<int>(3 * i));
  EXPECT_FALSE(line.withdraw(places[0])) << "it had its turn";
  EXPECT_FALSE(line.withdraw(WaitingLine::Place())) << "it never waited";
}

TEST(WaitingLine, DoesNotGrowByThoseThatLeft) {
  WaitingLine line;
  line.push([] {});  // it stays at the head
  WaitingLine::Place last;
  line.push([] {}, &last);

  for (int i = 0; i < 10'000; ++i) {
    WaitingLine::Place next;
    line.push([] {}, &next);
    ASSERT_TRUE(line.withdraw(last));
    last = next;
  }

  EXPECT_EQ(line.size(), 2u);
  EXPECT_LE(line.places(), 30u);
}

}  // namespace
}  // namespace trestle::dispatch
