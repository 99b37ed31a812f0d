// Whose time has come, and who is still there.
#include "dispatch/timetable.hpp"

#include <gtest/gtest.h>

namespace trestle::dispatch {
namespace {

using namespace std::chrono_literals;

TEST(Timetable, GivesThoseWhoseTimeHasComeInOrder) {
  Timetable<int> table;
  const auto late = std::make_shared<int>(3);
  const auto first = std::make_shared<int>(1);
  const auto second = std::make_shared<int>(2);
  table.enter(3s, late);
  table.enter(1s, first);
  table.enter(2s, second);

  const auto due = table.take_due(2s);

  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0], first);
  EXPECT_EQ(due[1], second);
  EXPECT_EQ(table.next(), 3s);
}

TEST(Timetable, ForgetsThoseWhoLeft) {
  Timetable<int> table;
  const auto one = std::make_shared<int>(1);
  table.enter(1s, one);

  table.leave(2s, *one);
  EXPECT_EQ(table.next(), 1s) << "not at that time";
  table.leave(1s, *one);
  EXPECT_EQ(table.next(), std::nullopt);
}

TEST(Timetable, KeepsNobodyAlive) {
  Timetable<int> table;
  table.enter(1s, std::make_shared<int>(1));

  EXPECT_TRUE(table.take_due(1s).empty());
}

TEST(Timetable, GivesAllAtOnce) {
  Timetable<int> table;
  const auto one = std::make_shared<int>(1);
  const auto other = std::make_shared<int>(1);
  table.enter(TimePoint::max(), one);
  table.enter(1s, other);

  EXPECT_EQ(table.take_all().size(), 2u);
  EXPECT_EQ(table.next(), std::nullopt);
}

}  // namespace
}  // namespace trestle::dispatch
