// Who waits until a time, at the latest.
#pragma once

#include <trestle/clock.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "memory/block_allocator.hpp"

namespace trestle::dispatch {

/// Knows those who wait and until when, and keeps none of them alive. Threads: any.
template <class T>
class Timetable {
 public:
  using Shared = std::shared_ptr<T>;

  void enter(TimePoint until, const Shared& who) {
    const std::lock_guard lock(mutex_);
    waiting_.insert_or_assign(Key(until, who.get()), who);
  }
  /// Does nothing if it is not in here until then.
  void leave(TimePoint until, const T& who) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(Key(until, &who));
  }

  /// Those whose time has come leave, in order of their times.
  std::vector<Shared> take_due(TimePoint now) {
    std::vector<Shared> due;
    const std::lock_guard lock(mutex_);
    while (!waiting_.empty() && waiting_.begin()->first.first <= now) {
      if (auto who = waiting_.begin()->second.lock()) due.push_back(std::move(who));
      waiting_.erase(waiting_.begin());
    }
    return due;
  }
  /// All of them leave, likewise.
  std::vector<Shared> take_all() { return take_due(TimePoint::max()); }

  std::optional<TimePoint> next() const {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return std::nullopt;
    return waiting_.begin()->first.first;
  }

 private:
  using Key = std::pair<TimePoint, const T*>;
  using Waiting = std::map<Key, std::weak_ptr<T>, std::less<>,
                           memory::BlockAllocator<std::pair<const Key, std::weak_ptr<T>>>>;

  mutable std::mutex mutex_;
  Waiting waiting_;
};

}  // namespace trestle::dispatch
