// How long calls took, per transport.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace trestle::demo {

/// Threads: one.
class CallTimes {
 public:
  void add(std::chrono::nanoseconds time) { times_.push_back(time); }
  void add(const CallTimes& more);

  std::size_t calls() const noexcept { return times_.size(); }
  /// The smallest time that `percent` of the calls did not exceed; 0 without calls.
  std::chrono::nanoseconds percentile(double percent) const;

 private:
  std::vector<std::chrono::nanoseconds> times_;
};

}  // namespace trestle::demo
