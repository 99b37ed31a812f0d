// The lock of a mailbox: held for a moment, taken and let go of for each packet.
#pragma once

#include <sys/single_threaded.h>

#include <atomic>
#include <cstdint>

namespace trestle::inproc {

/// A mutex whose uncontended use is a few instructions in place. Threads: any.
class QuickMutex {
 public:
  void lock() noexcept {
    if (!try_lock()) wait();
  }

  bool try_lock() noexcept {
    // Alone in its process, a thread needs no atomic operation: whoever starts another one
    // synchronises with it.
    if (__libc_single_threaded != 0) {
      if (state_.load(std::memory_order_relaxed) != free) return false;
      state_.store(held, std::memory_order_relaxed);
      return true;
    }
    std::uint32_t expected = free;
    // Acquire: pairs with the release in unlock().
    return state_.compare_exchange_strong(expected, held, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }

  void unlock() noexcept {
    if (__libc_single_threaded != 0) return state_.store(free, std::memory_order_relaxed);
    // Release: what the owner did happens before what the next one does.
    if (state_.exchange(free, std::memory_order_release) == held_beside_sleepers) {
      state_.notify_one();
    }
  }

 private:
  // The values of `state_`. Nobody sleeps while it is one of the first two.
  static constexpr std::uint32_t free = 0;
  static constexpr std::uint32_t held = 1;
  static constexpr std::uint32_t held_beside_sleepers = 2;

  void wait() noexcept;

  std::atomic<std::uint32_t> state_{free};
};

}  // namespace trestle::inproc
