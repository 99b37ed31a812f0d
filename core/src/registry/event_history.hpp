// The last events of some kind, for any number of readers.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace trestle::registry {

/// Events are numbered from 0; the last `history_max` are kept. `Event` has a member `missed`.
/// Threads: any.
template <class Event, std::size_t history_max>
class EventHistory {
 public:
  void add(Event event) {
    {
      const std::lock_guard lock(mutex_);
      if (events_.size() == history_max) {
        events_.pop_front();
        ++first_;
      }
      events_.push_back(std::move(event));
    }
    changed_.notify_all();
  }

  /// No more events come; who waits stops waiting.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  /// The number that the next event will have.
  std::uint64_t end() const {
    const std::lock_guard lock(mutex_);
    return last_locked();
  }

  /// Event `next`, or the oldest one kept, and moves `next` behind it. Waits at most so long.
  std::optional<Event> take(std::uint64_t& next, std::chrono::nanoseconds timeout) {
    std::unique_lock lock(mutex_);
    // The time of day plus the longest of times is none.
    changed_.wait_for(lock, std::min<std::chrono::nanoseconds>(timeout, wait_max),
                      [&] { return closed_ || next < last_locked(); });
    if (next >= last_locked()) return std::nullopt;
    const std::uint64_t found = std::max(next, first_);
    Event event = events_[found - first_];
    event.missed = found - next;
    next = found + 1;
    return event;
  }

 private:
  // As good as for ever.
  static constexpr std::chrono::hours wait_max{24 * 365 * 10};

  std::uint64_t last_locked() const noexcept { return first_ + events_.size(); }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::uint64_t first_ = 0;  // number of the oldest event kept
  bool closed_ = false;
};

}  // namespace trestle::registry
