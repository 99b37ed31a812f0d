// How many runs of one handler may be under way at once.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>

#include "dispatch/waiting_line.hpp"

namespace trestle::dispatch {

/// Hands out at most `limit` permits; who finds none waits in order. A permit lives until the
/// handler's outcome is known, not just until its function returns. Threads: any.
class Permits {
 public:
  using Task = WaitingLine::Task;

  /// `limit` 0: no limit.
  explicit Permits(std::size_t limit) noexcept : limit_(limit) {}

  bool is_limited() const noexcept { return limit_ != 0; }

  enum class Outcome { acquired, queued, full };

  /// Takes a permit, or queues `task` for release() to return, unless `waiting_max` wait already.
  /// `place`, if any, is set to where it waits.
  Outcome acquire(Task task, std::size_t waiting_max, WaitingLine::Place* place = nullptr) {
    const std::lock_guard lock(mutex_);
    if (running_ < limit_) {
      ++running_;
      return Outcome::acquired;
    }
    if (waiting_.size() >= waiting_max) return Outcome::full;
    waiting_.push(std::move(task), place);
    return Outcome::queued;
  }

  /// Drops the task that waits there. False: it does not, it has got its permit.
  bool withdraw(const WaitingLine::Place& place) {
    Task withdrawn;  // outlives the lock
    const std::lock_guard lock(mutex_);
    withdrawn = waiting_.withdraw(place);
    return static_cast<bool>(withdrawn);
  }

  /// How many wait.
  std::size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }

  /// Drops the tasks that wait. What they hold is destroyed without the lock.
  void drop_waiting() {
    WaitingLine dropped;  // outlives the lock
    const std::lock_guard lock(mutex_);
    std::swap(dropped, waiting_);
  }

  /// Gives a permit back. The task that inherits it, if any, must be run by the caller.
  Task release() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) --running_;
    return waiting_.pop();
  }

 private:
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::size_t running_ = 0;
  WaitingLine waiting_;
};

}  // namespace trestle::dispatch
