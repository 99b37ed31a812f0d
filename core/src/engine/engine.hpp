// Drives the transports of a node: events in, timers, sleep.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/error.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/mutex.hpp"
#include "engine/packet_hold.hpp"
#include "engine/timer_queue.hpp"
#include "engine/transport.hpp"
#include "engine/waker.hpp"

namespace trestle::engine {

/// What an engine asks of the node above it.
class EngineEvents {
 public:
  /// True while there is work that no transport and no timer will announce. Lock held.
  virtual bool has_work() const = 0;
  /// The transport is broken; no more events come from it. Lock held.
  virtual void on_transport_failed(Transport& transport) = 0;

 protected:
  ~EngineEvents() = default;
};

struct EngineOptions {
  const Clock& clock;
  TransportLimits limits;
  std::function<void(int level, std::string_view text)> log;
  FindPlugin find_plugin{};  ///< for wrappers
};

/// Where a thread that drives sleeps. Each has wake-ups of its own, so that a leader and the one
/// who relieved it never take each other's.
enum class Seat : std::uint8_t { thread, caller };

/// The transports, timers and sleep of one node. One mutex guards all that hangs on it, and is
/// never held while user code runs. Threads: under the engine's lock, where not said
/// otherwise.
class Engine {
 public:
  Engine(EngineOptions options, EngineEvents& events);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Mutex& mutex() noexcept { return mutex_; }
  TimePoint now() const noexcept { return options_.clock.now(); }

  /// The transport of `scheme`, opened on first use.
  Result<Transport*> transport(const tt_plugin& plugin, std::string_view scheme);

  /// Those that are open, by scheme.
  template <class Visit>
  void for_each_transport(Visit visit) const {
    for (const auto& entry : transports_) visit(*entry.second);
  }

  /// `delay` from now; the end of time if that is beyond it. Threads: any.
  TimePoint time_after(std::chrono::nanoseconds delay) const noexcept {
    const TimePoint start = now();
    return delay < TimePoint::max() - start ? start + delay : TimePoint::max();
  }

  void arm_timer(Timer& timer, TimePoint due) {
    timers_.arm(timer, due);
    if (due < latest_until_) wake_before(due);
  }
  void cancel_timer(Timer& timer) noexcept { timers_.cancel(timer); }
  std::optional<TimePoint> next_timer() const { return timers_.next(); }

  /// Takes in what has come: a batch of events of every transport, and the timers that are due.
  /// Returns how much that was. Threads: the leader.
  std::size_t collect();
  /// The leader has just looked at the clock: the next collect() need not. Threads: the leader.
  void note_time(TimePoint now) noexcept { noted_time_ = now; }

  /// How many collect() there were. Threads: the leader.
  std::uint64_t turns() const noexcept { return turns_; }

  /// The time of the latest collect(), about: one look at the clock serves a whole turn.
  /// Threads: the leader.
  TimePoint recent_time() noexcept {
    if (!recent_time_) recent_time_ = now();
    return *recent_time_;
  }

  /// Ends the present or the coming sleep. Threads: any.
  void wake() noexcept;
  void wake(Seat seat) noexcept { (*seats_)[index(seat)].waker.wake(); }

  /// Whether there is nothing to do for now. If so, sleep() must follow, without the lock.
  bool prepare_sleep(Seat seat, std::optional<TimePoint> limit = std::nullopt);
  /// Sleeps until there is something to do. Threads: one, that which prepared it; lock not
  /// held.
  void sleep(Seat seat);
  /// Sleeps on the kernel alone, in real time whatever the clock; for manual driving. Lock not
  /// held.
  void nap(std::chrono::nanoseconds at_most);
  /// True if some transport can be woken by the kernel, so that being idle may not last.
  bool waits_on_kernel() const;

  /// Starts the end of every transport; is_down() once each said so.
  void shut_down();
  bool is_down() const;
  /// Frees the transports; nobody drives any more. Returns the schemes of those whose buffers are
  /// still held by the application: they are leaked, never freed under a reader. Lock not held.
  std::vector<std::string> destroy_transports();

 private:
  struct Place {
    Waker waker;
    std::vector<int> fds;
    TimePoint until{0};  // of the latest sleep; max: for ever
  };
  using Places = std::array<Place, 2>;

  static constexpr std::size_t index(Seat seat) noexcept { return static_cast<std::size_t>(seat); }
  /// Ends sleeps that would last beyond it.
  void wake_before(TimePoint due) noexcept;
  bool find_reason_to_stay_awake(Place& place);
  void release_buffers() {
    if (!released_->empty()) release_buffers_now();
  }
  void release_buffers_now();

  EngineOptions options_;
  EngineEvents& events_;
  Mutex mutex_;
  std::shared_ptr<Places> seats_ = std::make_shared<Places>();  // transports may outlive us
  TimerQueue timers_;
  TimePoint latest_until_{0};  // of both seats
  std::optional<TimePoint> recent_time_;
  std::optional<TimePoint> noted_time_;  // for the next collect()
  std::uint64_t turns_ = 0;
  std::shared_ptr<ReleaseQueue> released_;
  std::map<std::string, std::unique_ptr<Transport>, std::less<>> transports_;
  std::vector<Transport*> running_;  // of transports_, those that are not down
};

}  // namespace trestle::engine
