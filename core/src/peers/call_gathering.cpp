// Whether calls wait for others, and whether that paid.
#include "peers/call_gathering.hpp"

#include <algorithm>

namespace trestle::peers {
namespace {

/// On average, of the frames of calls that may wait.
constexpr std::size_t small_bytes_max = 512;

}  // namespace

bool CallGathering::may_wait(std::size_t calls, TimePoint now,
                             std::chrono::nanoseconds at_most) noexcept {
  // Large ones fill packets by themselves, and their bytes cost more than packets do.
  const bool are_small = bytes_ <= calls_ * small_bytes_max;
  const bool are_many = are_small && calls >= calls_min && at_most.count() > 0;
  full_ = are_many ? calls / 2 : std::numeric_limits<std::size_t>::max();
  if (!are_many || is_full()) return false;
  if (held_calls_ != 0) return now < until_;
  if (pause_left_ != 0) {
    --pause_left_;
    return false;
  }
  held_calls_ = calls_;
  until_ = now + at_most;
  return true;
}

void CallGathering::learn() noexcept {
  if (is_full() || calls_ >= 2 * held_calls_) {
    pause_ = pause_min;
  } else {
    pause_left_ = pause_;
    pause_ = std::min(2 * pause_, pause_max);
  }
  held_calls_ = 0;
}

}  // namespace trestle::peers
