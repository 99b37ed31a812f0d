// Notices turns that user code holds up, on a thread that never runs any but the log function.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include "engine/engine.hpp"
#include "engine/mutex.hpp"

namespace trestle::engine {

/// What a HoldWatch asks of its node, and tells it. Lock held.
class HoldEvents {
 public:
  /// Whether the leader is in user code, without the lock.
  virtual bool runs_user_code() const = 0;
  /// How long nobody may notice that the leader does nothing else; empty: there is nobody.
  virtual std::optional<std::chrono::nanoseconds> hold_tolerance() const = 0;
  /// User code has kept the present turn of the leader from ending for that long, at least. Again
  /// at each later look. May drop the lock for a while.
  virtual void on_held(Lock& lock, std::chrono::nanoseconds at_least) = 0;

 protected:
  ~HoldEvents() = default;
};

/// Looks at the leader from time to time, as long as there is user code, so that nobody reads a
/// clock for each turn: a leader that is in user code at two looks, in the same turn, is held up.
/// Threads: under the engine's lock, where not said otherwise.
class HoldWatch {
 public:
  HoldWatch(Engine& engine, HoldEvents& events) : engine_(engine), events_(events) {}
  HoldWatch(const HoldWatch&) = delete;
  HoldWatch& operator=(const HoldWatch&) = delete;

  /// Starts the thread that looks. Lock not held.
  void start_thread();
  /// Ends and joins it. Lock not held.
  void stop_thread();
  /// Threads: any.
  bool is_this_thread() const noexcept {
    // relaxed: what another thread reads differs from its own id in any case.
    return id_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

  /// There is somebody now who may notice, or sooner than before.
  void look_soon() noexcept;
  /// The leader is about to run some. Of many in a row, the first costs a wake-up.
  void note_user_code() noexcept {
    had_user_code_ = true;
    if (is_resting_) look_soon();
  }

  /// One look. Returns when the next one is due; empty: look_soon() or note_user_code() says when.
  /// May drop the lock for a while.
  std::optional<std::chrono::nanoseconds> look(Lock& lock);

 private:
  void run();

  Engine& engine_;
  HoldEvents& events_;
  std::optional<std::uint64_t> turn_;  // which user code was in at the last look
  TimePoint since_{0};                 // the first look at that
  bool had_user_code_ = false;         // since the last look
  bool is_resting_ = false;            // there was none, so nothing is looked at
  bool stopping_ = false;
  std::thread thread_;
  std::atomic<std::thread::id> id_{};
  std::atomic<std::uint32_t> signal_{0};
};

}  // namespace trestle::engine
