// Comparing counts with bounds.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "bounds.hpp"
#include "platform/sanitizers.hpp"

/// Sanitizers recycle no memory, call the kernel themselves, and take their time.
#define TRESTLE_SKIP_UNDER_SANITIZERS() \
  if (platform::sanitized) GTEST_SKIP() << "counts are those of a build without sanitizers"

namespace trestle::guards {

/// The least that `count_round` returned until it was within `bound`, in so many rounds at most.
/// Other programs can only make a thread late, which adds work; what our code does too much, it
/// does each time.
template <class CountRound>
double fewest(const Bound& bound, CountRound count_round, int rounds_max = 256) {
  double least = count_round();
  for (int i = 1; i < rounds_max && least > bound.at_most; ++i)
    least = std::min(least, count_round());
  return least;
}

inline void expect_within(double counted, const Bound& bound, const char* what) {
  std::printf("  %s: %.3f, at most %.3f\n", what, counted, bound.at_most);
  EXPECT_LE(counted, bound.at_most) << what << ": " << bound.reason;
}

}  // namespace trestle::guards
