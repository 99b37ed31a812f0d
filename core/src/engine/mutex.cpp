// Waiting for a mutex that is held.
#include "engine/mutex.hpp"

namespace trestle::engine {

void Mutex::wait() noexcept {
  // Held for microseconds: sleeping would cost more than the wait.
  constexpr int spins_before_sleep = 200;
  contenders_.fetch_add(1, std::memory_order_relaxed);
  bool has_it = false;
  for (int i = 0; i < spins_before_sleep && !has_it; ++i) {
    platform::relax();
    has_it = try_lock();
  }
  // Who has slept cannot know whether others still do, so it leaves the mark, and wakes one for
  // nothing at worst. Acquire: pairs with the release in unlock().
  while (!has_it && state_.exchange(held_beside_sleepers, std::memory_order_acquire) != free) {
    platform::futex_wait(state_, held_beside_sleepers);
  }
  contenders_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace trestle::engine
