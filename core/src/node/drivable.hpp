// What a ManualDriver drives.
#pragma once

#include <trestle/clock.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace trestle::detail {

/// A node in the hands of a ManualDriver.
class Drivable {
 public:
  /// Does what can be done without waiting; returns how much that was.
  virtual std::size_t turn() = 0;
  virtual std::optional<TimePoint> next_timer() = 0;
  /// True if the kernel may bring more although nothing is left to do.
  virtual bool waits_on_kernel() = 0;
  /// Lets the kernel go on, in real time.
  virtual void nap(std::chrono::nanoseconds at_most) = 0;

 protected:
  ~Drivable() = default;
};

}  // namespace trestle::detail
