// Waiting for a number of things to happen, at the price of one wake-up.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace trestle::guards {

/// Not std::latch: its system calls would count as the node's. Threads: any.
class Countdown {
 public:
  /// Before anybody counts.
  void start(int from) noexcept { left_.store(from, std::memory_order_relaxed); }

  void count() {
    // acq_rel: what each did before it counted happens before the end of the wait.
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::lock_guard lock(mutex_);
    is_over_.notify_one();
  }
  bool is_over() const noexcept { return left_.load(std::memory_order_acquire) <= 0; }
  void wait() {
    std::unique_lock lock(mutex_);
    is_over_.wait(lock, [this] { return is_over(); });
  }
  /// False if that took too long.
  [[nodiscard]] bool wait_for(std::chrono::seconds at_most) {
    std::unique_lock lock(mutex_);
    return is_over_.wait_for(lock, at_most, [this] { return is_over(); });
  }

 private:
  std::atomic<int> left_{0};
  std::mutex mutex_;
  std::condition_variable is_over_;
};

}  // namespace trestle::guards
