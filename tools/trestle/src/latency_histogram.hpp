// Counts of times in buckets of fixed number: recording one costs a few instructions.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace trestle::tools {

/// Times up to 2^42 ns (over an hour), each known to better than 1 %. Never allocates.
class LatencyHistogram {
 public:
  void add(std::chrono::nanoseconds time) noexcept;
  void add(const LatencyHistogram& other) noexcept;

  std::uint64_t count() const noexcept { return count_; }
  /// The time below which `part` of those recorded lie: the middle of its bucket; 0 if none is.
  double quantile_us(double part) const noexcept;
  /// Exact but for the rounding of the sum.
  double mean_us() const noexcept;

 private:
  // 128 buckets per power of two; below 128 ns each nanosecond has its own.
  static constexpr unsigned step_bits = 7;
  static constexpr unsigned powers = 42;
  static constexpr std::size_t buckets = std::size_t{powers - step_bits + 1} << step_bits;

  static std::size_t bucket_of(std::uint64_t ns) noexcept;
  static double middle_of(std::size_t bucket) noexcept;

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;
};

}  // namespace trestle::tools
