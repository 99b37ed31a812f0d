// How long the messages of a handler took, in a few rows.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/statistics.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

namespace trestle::dispatch {

/// Threads: any.
class LatencyRows {
 public:
  void add(std::chrono::nanoseconds took) noexcept {
    const auto row = std::lower_bound(latency_bounds.begin(), latency_bounds.end(), took);
    // Relaxed: a number, it publishes nothing.
    rows_[static_cast<std::size_t>(row - latency_bounds.begin())].fetch_add(
        1, std::memory_order_relaxed);
  }
  std::vector<std::uint64_t> counts() const {
    std::vector<std::uint64_t> counts;
    for (const auto& row : rows_) counts.push_back(row.load(std::memory_order_relaxed));
    return counts;
  }

 private:
  std::array<std::atomic<std::uint64_t>, latency_bounds.size() + 1> rows_{};
};

}  // namespace trestle::dispatch
