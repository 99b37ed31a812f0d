// Waiting for a mailbox that is locked.
#include "quick_mutex.hpp"

namespace trestle::inproc {

void QuickMutex::wait() noexcept {
  // It is held for less time than falling asleep takes, unless its owner has lost its processor.
  constexpr int looks_before_sleep = 1000;
  for (int i = 0; i < looks_before_sleep; ++i) {
    if (state_.load(std::memory_order_relaxed) == free && try_lock()) return;
  }
  // Who has slept cannot know whether others still do, so it leaves the mark, and wakes one for
  // nothing at worst. Acquire: pairs with the release in unlock().
  while (state_.exchange(held_beside_sleepers, std::memory_order_acquire) != free) {
    state_.wait(held_beside_sleepers, std::memory_order_relaxed);
  }
}

}  // namespace trestle::inproc
