// How much of the calls to one peer may be repetitions.
#pragma once

#include <algorithm>
#include <atomic>

namespace trestle::peers {

/// A repetition takes what ten successes give, and at most ten repetitions are saved up: a peer
/// that fails for long is asked little more often than without them. Threads: any.
class RetryBudget {
 public:
  /// False: used up.
  bool take() noexcept {
    int left = points_.load(std::memory_order_relaxed);
    while (left >= points_per_retry) {
      if (points_.compare_exchange_weak(left, left - points_per_retry, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  void succeeded() noexcept {
    int left = points_.load(std::memory_order_relaxed);
    while (left < points_max &&
           !points_.compare_exchange_weak(left, left + 1, std::memory_order_relaxed)) {
    }
  }

 private:
  static constexpr int points_per_retry = 10;
  static constexpr int points_max = 100;

  std::atomic<int> points_{points_max};  // relaxed: only a count
};

}  // namespace trestle::peers
