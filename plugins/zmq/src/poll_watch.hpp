// Whether the host polls, and whether somebody else computes beside it.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace trestle::zeromq {

/// Tells from how the host calls: one that polls looks again and again, and offers its CPU in
/// between. Where it is back at once, its peer is on another CPU, and only the threads of this
/// transport want this one now and then. Threads: distinct objects safe.
class PollWatch {
 public:
  using TimePoint = std::chrono::nanoseconds;  // of the host's clock

  /// Whether the look that begins comes after one in vain, without sleep between them.
  bool looks_again() const noexcept { return idle_looks_ > 0; }
  /// Such a look begins.
  void begin_look(TimePoint now) noexcept {
    const auto away = now - idle_since_;
    if (away >= time_slice_min) {
      note_others(now);
    } else if (away.count() > 0 && away <= offer_max) {  // a clock may stand still
      was_left_ = true;
      crowded_ = 0;
    }
    polls_alone_ = (polls_alone_ || was_left_) && crowded_ < crowded_max && paid_ == paid_max &&
                   now >= shared_until_;
  }
  /// A look ends that found something.
  void found() noexcept {
    if (std::exchange(idle_looks_, 0) == 0) return;
    paid_ = std::min(paid_ + 1, paid_max);
    if (!std::exchange(was_left_, false)) ++crowded_;
  }
  /// A look ends that found nothing.
  void found_nothing(TimePoint now) noexcept {
    ++idle_looks_;
    idle_since_ = now;
  }
  /// The host is about to sleep.
  void sleeps() noexcept {
    // Whoever was to bring something may have waited for an offer that did not come.
    if (std::exchange(idle_looks_, 0) > 0) paid_ = 0;
    was_left_ = false;
    polls_alone_ = false;
  }

  /// The host polls, which has paid of late, and nobody but this transport's threads has wanted its
  /// CPU meanwhile.
  bool polls_alone() const noexcept { return polls_alone_; }

 private:
  void note_others(TimePoint now) noexcept {
    if (now >= shared_until_) {
      pause_ = now - shared_until_ > 8 * pause_ ? pause_min : std::min(pause_ * 2, pause_max);
    }
    shared_until_ = now + pause_;
  }

  /// An offer of the CPU that nobody takes is over by then.
  static constexpr std::chrono::nanoseconds offer_max = std::chrono::microseconds(2);
  static constexpr std::chrono::nanoseconds time_slice_min = std::chrono::milliseconds(1);
  static constexpr std::chrono::nanoseconds pause_min = std::chrono::milliseconds(100);
  static constexpr std::chrono::nanoseconds pause_max = std::chrono::seconds(10);
  /// A peer on this CPU takes each offer, in each idle time.
  static constexpr unsigned crowded_max = 16;
  static constexpr unsigned paid_max = 4;

  unsigned idle_looks_ = 0;
  unsigned crowded_ = 0;  // idle times in a row in which each offer was taken
  unsigned paid_ = 0;     // idle times in a row that did not end in sleep
  bool was_left_ = false;
  bool polls_alone_ = false;
  TimePoint idle_since_{0};
  TimePoint shared_until_{0};
  std::chrono::nanoseconds pause_{0};
};

}  // namespace trestle::zeromq
