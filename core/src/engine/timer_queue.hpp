// Timers in order of their due time, without an allocation per timer.
#pragma once

#include <boost/intrusive/set.hpp>
#include <trestle/clock.hpp>

#include <cstddef>
#include <optional>

namespace trestle::engine {

/// A timer leaves by itself whichever queue it is in: that of its TimerQueue, or that of the timers
/// which are firing, so that one that fires may cancel, move or destroy any other.
using TimerHook =
    boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// Something that happens at a time. Derive, and arm it in a TimerQueue. Destroying cancels it.
class Timer : public TimerHook {
 public:
  /// Called with the engine's lock held; the timer is no longer armed and may be armed again.
  virtual void expire() = 0;

  TimePoint due() const noexcept { return due_; }
  bool is_armed() const noexcept { return is_linked(); }

 protected:
  ~Timer() = default;

 private:
  friend class TimerQueue;
  friend bool operator<(const Timer& a, const Timer& b) noexcept { return a.due_ < b.due_; }

  TimePoint due_{0};
};

/// Threads: under the engine's lock.
class TimerQueue {
 public:
  /// Arms `timer`, or moves it if it is armed.
  void arm(Timer& timer, TimePoint due) {
    cancel(timer);
    timer.due_ = due;
    // Most calls share one timeout, so most timers belong at the end: one comparison finds it.
    timers_.insert(timers_.end(), timer);
  }

  static void cancel(Timer& timer) noexcept {
    if (timer.is_linked()) timer.unlink();
  }

  std::optional<TimePoint> next() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->due();
  }

  /// Fires what is due, in order of due time, then of arming. Timers that these arm for `now` or
  /// before wait for the next call, so that a turn always ends.
  std::size_t expire(TimePoint now) {
    Queue due;
    while (!timers_.empty() && timers_.begin()->due() <= now) {
      Timer& timer = *timers_.begin();
      timers_.erase(timers_.begin());
      due.insert(due.end(), timer);
    }
    std::size_t fired = 0;
    while (!due.empty()) {
      Timer& timer = *due.begin();
      due.erase(due.begin());
      timer.expire();
      ++fired;
    }
    return fired;
  }

 private:
  using Queue = boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>>;
  Queue timers_;
};

}  // namespace trestle::engine
