// Time as core sees it: injected, monotonic, virtual in tests.
#pragma once

#include <chrono>

#include <trestle/export.hpp>

namespace trestle {

/// Time since an arbitrary start.
using TimePoint = std::chrono::nanoseconds;

/// A monotonic clock. Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The time. Never goes backwards.
  virtual TimePoint now() const noexcept = 0;
};

/// The machine's steady clock; what a node uses unless told otherwise.
TRESTLE_EXPORT const Clock& steady_clock() noexcept;

}  // namespace trestle
