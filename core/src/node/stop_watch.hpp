// The stop token of a thread that waits.
#pragma once

#include <optional>
#include <stop_token>
#include <utility>

#include "engine/mutex.hpp"

namespace trestle {

/// Has `Callback` called when a token stops, until end(). The callback takes the engine's lock.
template <class Callback>
class StopWatch {
 public:
  /// The lock is held before and after, but not all the time: a token that was stopped meanwhile
  /// calls back at once.
  StopWatch(engine::Lock& lock, const std::stop_token& stop, Callback callback) {
    if (!stop.stop_possible()) return;
    lock.unlock();
    watch_.emplace(stop, std::move(callback));
    lock.lock();
  }
  /// Waits for a callback that runs: the lock is not held.
  void end() noexcept { watch_.reset(); }

 private:
  std::optional<std::stop_callback<Callback>> watch_;
};

}  // namespace trestle
