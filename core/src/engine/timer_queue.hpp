// Timers in order of their due time, without an allocation per timer.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <trestle/clock.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace trestle::engine {

/// A timer leaves by itself whichever queue it is in: one of its TimerQueue, or that of the timers
/// which are firing, so that one that fires may cancel, move or destroy any other.
using TimerTreeHook =
    boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using TimerLineHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// Something that happens at a time. Derive, and arm it in a TimerQueue. Destroying cancels it.
class Timer : public TimerTreeHook, public TimerLineHook {
 public:
  /// Called with the engine's lock held; the timer is no longer armed and may be armed again.
  virtual void expire() = 0;

  TimePoint due() const noexcept { return due_; }
  bool is_armed() const noexcept {
    return TimerLineHook::is_linked() || TimerTreeHook::is_linked();
  }

 protected:
  ~Timer() = default;

 private:
  friend class TimerQueue;
  friend bool operator<(const Timer& a, const Timer& b) noexcept {
    return a.due_ != b.due_ ? a.due_ < b.due_ : a.place_ < b.place_;
  }

  TimePoint due_{0};
  std::uint64_t place_ = 0;  // among all that were armed
};

/// Threads: under the engine's lock.
class TimerQueue {
 public:
  /// Arms `timer`, or moves it if it is armed.
  void arm(Timer& timer, TimePoint due) {
    cancel(timer);
    timer.due_ = due;
    timer.place_ = ++armed_;
    // Most calls share one timeout: what is armed last is due last, and stands in line. One that is
    // due much later must not keep all others out of it; one for each that is armed, so that no
    // timer is moved twice and none waits for the move of many.
    if (!line_.empty() && timer < line_.back()) {
      Timer& last = line_.back();
      line_.pop_back();
      tree_.insert(last);
    }
    if (line_.empty() || line_.back() < timer) {
      line_.push_back(timer);
    } else {
      tree_.insert(timer);
    }
  }

  static void cancel(Timer& timer) noexcept {
    if (timer.TimerLineHook::is_linked()) {
      timer.TimerLineHook::unlink();
    } else if (timer.TimerTreeHook::is_linked()) {
      timer.TimerTreeHook::unlink();
    }
  }

  bool empty() const noexcept { return line_.empty() && tree_.empty(); }
  /// When the first one of at least one is due.
  TimePoint earliest() const noexcept {
    if (line_.empty()) return tree_.begin()->due();
    if (tree_.empty()) return line_.front().due();
    return std::min(line_.front().due(), tree_.begin()->due());
  }
  std::optional<TimePoint> next() const {
    return empty() ? std::nullopt : std::optional(earliest());
  }

  /// Fires what is due, in order of due time, then of arming. Timers that these arm for `now` or
  /// before wait for the next call, so that a turn always ends.
  std::size_t expire(TimePoint now) {
    Line due;
    while (Timer* timer = first()) {
      if (timer->due() > now) break;
      cancel(*timer);
      due.push_back(*timer);
    }
    std::size_t fired = 0;
    while (!due.empty()) {
      Timer& timer = due.front();
      due.pop_front();
      timer.expire();
      ++fired;
    }
    return fired;
  }

 private:
  using Tree = boost::intrusive::set<Timer, boost::intrusive::base_hook<TimerTreeHook>,
                                     boost::intrusive::constant_time_size<false>>;
  using Line = boost::intrusive::list<Timer, boost::intrusive::base_hook<TimerLineHook>,
                                      boost::intrusive::constant_time_size<false>>;

  /// Null if none is armed.
  Timer* first() noexcept {
    if (line_.empty()) return tree_.empty() ? nullptr : &*tree_.begin();
    if (tree_.empty()) return &line_.front();
    return std::min(&line_.front(), &*tree_.begin(),
                    [](const Timer* a, const Timer* b) { return *a < *b; });
  }

  // Both in order of due time, then of arming.
  Line line_;  // what came in that order
  Tree tree_;  // what did not
  std::uint64_t armed_ = 0;
};

}  // namespace trestle::engine
