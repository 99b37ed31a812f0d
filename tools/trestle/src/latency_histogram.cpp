// Logarithmic buckets, each power of two cut into equal parts.
#include "latency_histogram.hpp"

#include <algorithm>
#include <bit>

namespace trestle::tools {

std::size_t LatencyHistogram::bucket_of(std::uint64_t ns) noexcept {
  const std::uint64_t capped = std::min(ns, (std::uint64_t{1} << powers) - 1);
  const auto width = static_cast<unsigned>(std::bit_width(capped));
  if (width <= step_bits) return capped;
  // The step_bits bits behind the highest one tell the part.
  const unsigned shift = width - 1 - step_bits;
  return (std::size_t{shift} << step_bits) + (capped >> shift);
}

double LatencyHistogram::middle_of(std::size_t bucket) noexcept {
  constexpr std::size_t steps = std::size_t{1} << step_bits;
  if (bucket < 2 * steps) return static_cast<double>(bucket);
  const std::size_t shift = (bucket >> step_bits) - 1;
  const std::uint64_t low = std::uint64_t{bucket - (shift << step_bits)} << shift;
  return static_cast<double>(low) + static_cast<double>((std::uint64_t{1} << shift) - 1) / 2;
}

void LatencyHistogram::add(std::chrono::nanoseconds time) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
  ++counts_[bucket_of(ns)];
  ++count_;
  sum_ns_ += ns;
}

void LatencyHistogram::add(const LatencyHistogram& other) noexcept {
  for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
}

double LatencyHistogram::quantile_us(double part) const noexcept {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(part * static_cast<double>(count_ - 1));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    below += counts_[i];
    if (below > rank) return middle_of(i) / 1e3;
  }
  return 0;
}

double LatencyHistogram::mean_us() const noexcept {
  if (count_ == 0) return 0;
  return static_cast<double>(sum_ns_) / static_cast<double>(count_) / 1e3;
}

}  // namespace trestle::tools
