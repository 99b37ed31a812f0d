// A thread that drives one transport the way a host's leader does, and notices lost wake-ups.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "driver.hpp"

namespace trestle::conformance {

/// Sleeps whenever arm() allows it. An event that is there after a sleep which nothing ended is a
/// lost wake-up.
class Leader {
 public:
  /// Calls `after_batch` on the leader's thread after each batch with events.
  Leader(Driver& driver, std::function<void()> after_batch);
  /// Ends the thread.
  ~Leader();
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  /// Ends the thread; returns what went wrong, or an empty text.
  std::string stop();
  bool has_failed() const { return failed_.load(std::memory_order_acquire); }

 private:
  void lead();
  bool drain();

  Driver& driver_;
  const std::function<void()> after_batch_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> failed_{false};
  std::string failure_;
  std::thread thread_;
};

}  // namespace trestle::conformance
