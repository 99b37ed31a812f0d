// Ends the sleep of the thread that drives an engine.
#pragma once

#include <poll.h>
#include <trestle/clock.hpp>

#include <atomic>
#include <optional>
#include <vector>

namespace trestle::engine {

/// An eventfd that is written only while somebody sleeps on it.
class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Ends the present or the coming sleep. Threads: any; never blocks.
  void wake() noexcept;

  /// Says that a sleep is coming: from here on wake() is not lost. Check for work once more after
  /// it, then sleep() or stay_awake().
  void prepare_sleep() noexcept;
  void stay_awake() noexcept { sleeping_.store(false, std::memory_order_relaxed); }

  /// Sleeps until a wake(), one of `fds` is readable, or `timeout` is over (unset: no limit).
  void sleep(const std::vector<int>& fds, std::optional<TimePoint> timeout);

 private:
  // seq_cst on both sides: the sleeper stores it and then looks for work, the waker adds work and
  // then loads it. With anything weaker both could miss each other.
  std::atomic<bool> sleeping_{false};
  int event_fd_;
  std::vector<pollfd> poll_set_;
};

}  // namespace trestle::engine
