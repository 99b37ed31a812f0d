// Percentiles by rank: exact, since every time is kept.
#include "call_times.hpp"

#include <algorithm>
#include <cmath>

namespace trestle::demo {

void CallTimes::add(const CallTimes& more) {
  times_.insert(times_.end(), more.times_.begin(), more.times_.end());
}

std::chrono::nanoseconds CallTimes::percentile(double percent) const {
  if (times_.empty()) return {};
  auto sorted = times_;
  const double rank = std::ceil(percent / 100.0 * static_cast<double>(sorted.size()));
  const auto nth =
      sorted.begin() + std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(rank), 1) - 1;
  std::nth_element(sorted.begin(), nth, sorted.end());
  return *nth;
}

}  // namespace trestle::demo
