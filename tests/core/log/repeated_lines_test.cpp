// Lines of one kind: one is logged, the others are counted, and nothing is left out untold.
#include "log/repeated_lines.hpp"

#include <gtest/gtest.h>

namespace trestle::log {
namespace {

using namespace std::chrono_literals;

constexpr auto warning = LogLevel::warning;

TEST(RepeatedLines, LogsTheFirstOfAKindAndCountsTheOthers) {
  RepeatedLines lines(1s);

  EXPECT_TRUE(lines.admit("a", warning, "a 1", 10s));
  EXPECT_FALSE(lines.admit("a", warning, "a 2", 10s));
  EXPECT_FALSE(lines.admit("a", warning, "a 3", 10s + 999ms));
  EXPECT_TRUE(lines.admit("b", warning, "b 1", 10s)) << "another kind";

  EXPECT_EQ(lines.next_due(), TimePoint(11s));
  EXPECT_TRUE(lines.take_due(11s - 1ns).empty());
  const auto due = lines.take_due(11s);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].text, "2 more like it, the last: a 3");
  EXPECT_EQ(lines.next_due(), std::nullopt);
}

TEST(RepeatedLines, AFloodGivesOneLineForEachInterval) {
  RepeatedLines lines(1s);
  int logged = 0;
  for (TimePoint now = 0s; now < 10s; now += 10ms) {
    logged += lines.admit("a", warning, "again", now) ? 1 : 0;
    logged += static_cast<int>(lines.take_due(now).size());
  }
  EXPECT_EQ(logged, 10);
}

TEST(RepeatedLines, LogsAgainOnceAnIntervalHasPassed) {
  RepeatedLines lines(1s);
  EXPECT_TRUE(lines.admit("a", warning, "1", 10s));

  EXPECT_TRUE(lines.admit("a", warning, "2", 11s));
}

TEST(RepeatedLines, TellsWhatIsLeftAtTheEnd) {
  RepeatedLines lines(1s);
  lines.admit("a", warning, "1", 10s);
  lines.admit("a", LogLevel::error, "2", 10s);

  const auto rest = lines.take_all();

  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].level, LogLevel::error);
  EXPECT_EQ(rest[0].text, "1 more like it, the last: 2");
}

TEST(RepeatedLines, CountsWhatIsBeyondItsKindsAsOne) {
  RepeatedLines lines(1s);
  for (std::size_t i = 0; i < RepeatedLines::kinds_max; ++i) {
    EXPECT_TRUE(lines.admit(std::to_string(i), warning, "line", 10s));
  }
  EXPECT_TRUE(lines.admit("one more", warning, "line", 10s));
  EXPECT_FALSE(lines.admit("and another", warning, "line", 10s));
  lines.take_all();

  EXPECT_TRUE(lines.admit("later", warning, "line", 20s)) << "old kinds were forgotten";
  EXPECT_TRUE(lines.admit("and this", warning, "line", 20s));
}

TEST(RepeatedLines, LogsAllWithoutAnInterval) {
  RepeatedLines lines(0s);

  for (int i = 0; i < 5; ++i) EXPECT_TRUE(lines.admit("a", warning, "line", 10s));
}

}  // namespace
}  // namespace trestle::log
