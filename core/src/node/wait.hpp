// How a thread waits for one outcome.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "calls/call_table.hpp"

namespace trestle {

/// Holds one value until it is waited for. Threads: one sets it, once; another waits for it.
template <class T>
class Awaited {
 public:
  void set(T value) {
    // Notified under the lock: once the waiter can see the value, this object may be gone.
    const std::lock_guard lock(mutex_);
    value_.emplace(std::move(value));
    arrived_.notify_one();
  }

  bool is_set() const {
    const std::lock_guard lock(mutex_);
    return value_.has_value();
  }

  void wait() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return value_.has_value(); });
  }

  /// Only after is_set() or wait().
  T take() {
    const std::lock_guard lock(mutex_);
    return std::move(*value_);
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<T> value_;
};

/// The outcome of a call, for a thread that waits for it.
class AwaitedOutcome final : public calls::CallSink, public Awaited<Result<Encoded>> {
 public:
  void complete(Result<Encoded> outcome) noexcept override { set(std::move(outcome)); }
};

}  // namespace trestle
