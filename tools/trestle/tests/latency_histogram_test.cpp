// The histogram behind trestle bench.
#include "../src/latency_histogram.hpp"

#include <gtest/gtest.h>

namespace trestle::tools {
namespace {

using std::chrono::nanoseconds;

TEST(LatencyHistogram, KnowsEachTimeToAPercent) {
  for (std::int64_t ns = 1; ns < 4'000'000'000; ns += ns / 7 + 1) {
    LatencyHistogram times;

    times.add(nanoseconds(ns));

    const double us = static_cast<double>(ns) / 1e3;
    EXPECT_NEAR(times.quantile_us(0.5), us, us / 100);
    EXPECT_DOUBLE_EQ(times.mean_us(), us);
  }
}

TEST(LatencyHistogram, OrdersWhatItCounts) {
  LatencyHistogram times;
  for (int us = 1000; us >= 1; --us) times.add(std::chrono::microseconds(us));

  EXPECT_EQ(times.count(), 1000u);
  EXPECT_NEAR(times.quantile_us(0), 1, 0.01);
  EXPECT_NEAR(times.quantile_us(0.5), 500, 5);
  EXPECT_NEAR(times.quantile_us(0.99), 990, 10);
  EXPECT_NEAR(times.quantile_us(1), 1000, 10);
  EXPECT_DOUBLE_EQ(times.mean_us(), 500.5);
}

TEST(LatencyHistogram, TakesTimesBeyondItsRange) {
  LatencyHistogram times;

  times.add(std::chrono::hours(1000));
  times.add(nanoseconds(-5));

  EXPECT_GT(times.quantile_us(1), 4e9);
  EXPECT_EQ(times.quantile_us(0), 0);
}

TEST(LatencyHistogram, AddsTheCountsOfAnother) {
  LatencyHistogram times;
  LatencyHistogram more;
  times.add(nanoseconds(100));
  more.add(nanoseconds(300));

  times.add(more);

  EXPECT_EQ(times.count(), 2u);
  EXPECT_DOUBLE_EQ(times.mean_us(), 0.2);
}

TEST(LatencyHistogram, IsZeroWithoutTimes) {
  const LatencyHistogram times;

  EXPECT_EQ(times.quantile_us(0.5), 0);
  EXPECT_EQ(times.mean_us(), 0);
}

}  // namespace
}  // namespace trestle::tools
