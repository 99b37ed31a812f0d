// The lock of a node's state, fair to those who come while somebody polls with it.
#pragma once

#include <atomic>
#include <mutex>

#include "platform/relax.hpp"

namespace trestle::engine {

/// A mutex whose owner can see that others wait, and let them in. Threads: any.
class Mutex {
 public:
  void lock() {
    if (mutex_.try_lock()) return;
    contenders_.fetch_add(1, std::memory_order_relaxed);
    // Held for microseconds: sleeping would cost more than the wait.
    for (int i = 0; i < spins_before_sleep; ++i) {
      platform::relax();
      if (mutex_.try_lock()) return leave_queue();
    }
    mutex_.lock();
    leave_queue();
  }
  bool try_lock() { return mutex_.try_lock(); }
  void unlock() { mutex_.unlock(); }

  /// True if somebody waits for it. A thread that unlocks only to lock again should let them in.
  bool is_contended() const noexcept { return contenders_.load(std::memory_order_relaxed) != 0; }

 private:
  static constexpr int spins_before_sleep = 200;

  void leave_queue() noexcept { contenders_.fetch_sub(1, std::memory_order_relaxed); }

  std::mutex mutex_;
  std::atomic<int> contenders_{0};  // relaxed: a hint, the mutex itself publishes
};

using Lock = std::unique_lock<Mutex>;

}  // namespace trestle::engine
