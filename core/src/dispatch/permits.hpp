// How many runs of one handler may be under way at once.
#pragma once

#include <trestle/detail/unique_function.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

namespace trestle::dispatch {

/// Hands out at most `limit` permits; who finds none waits in order. A permit lives until the
/// handler's outcome is known, not just until its function returns. Threads: any.
class Permits {
 public:
  using Task = detail::UniqueFunction<void()>;

  /// `limit` 0: no limit.
  explicit Permits(std::size_t limit) noexcept : limit_(limit) {}

  bool is_limited() const noexcept { return limit_ != 0; }

  enum class Outcome { acquired, queued, full };

  /// Takes a permit, or queues `task` for release() to return, unless `waiting_max` wait already.
  /// `owner` names it to withdraw().
  Outcome acquire(Task task, std::size_t waiting_max, const void* owner = nullptr) {
    const std::lock_guard lock(mutex_);
    if (running_ < limit_) {
      ++running_;
      return Outcome::acquired;
    }
    if (waiting_.size() >= waiting_max) return Outcome::full;
    waiting_.push_back({owner, std::move(task)});
    return Outcome::queued;
  }

  /// Drops the task of `owner`. False: it does not wait, it has got its permit.
  bool withdraw(const void* owner) {
    Waiting withdrawn;  // outlives the lock
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [owner](const Waiting& w) { return w.owner == owner; });
    if (found == waiting_.end()) return false;
    withdrawn = std::move(*found);
    waiting_.erase(found);
    return true;
  }

  /// Drops the tasks that wait. What they hold is destroyed without the lock.
  void drop_waiting() {
    std::deque<Waiting> dropped;  // outlives the lock
    const std::lock_guard lock(mutex_);
    dropped.swap(waiting_);
  }

  /// Gives a permit back. The task that inherits it, if any, must be run by the caller.
  Task release() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      --running_;
      return nullptr;
    }
    Task next = std::move(waiting_.front().task);
    waiting_.pop_front();
    return next;
  }

 private:
  struct Waiting {
    const void* owner = nullptr;
    Task task;
  };

  const std::size_t limit_;
  std::mutex mutex_;
  std::size_t running_ = 0;
  std::deque<Waiting> waiting_;
};

}  // namespace trestle::dispatch
