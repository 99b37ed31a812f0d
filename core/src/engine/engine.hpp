// Drives the transports of a node: events in, timers, sleep, one driver at a time.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/error.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/packet_hold.hpp"
#include "engine/timer_queue.hpp"
#include "engine/transport.hpp"
#include "engine/waker.hpp"

namespace trestle::engine {

/// What an engine asks of the node above it.
class EngineEvents {
 public:
  /// Runs what this turn's events led to: handlers, completions. No lock is held.
  /// Returns how much ran.
  virtual std::size_t run_actions() = 0;
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
};

/// The transports, timers and sleep of one node. One mutex guards all that hangs on it, and is
/// never held while user code runs. turn() and sleep() belong to the one thread that drives.
class Engine {
 public:
  Engine(EngineOptions options, EngineEvents& events);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  std::mutex& mutex() noexcept { return mutex_; }
  TimePoint now() const noexcept { return options_.clock.now(); }

  /// The transport of `scheme`, opened on first use. Lock held.
  Result<Transport*> transport(const tt_plugin& plugin, std::string_view scheme);

  /// `delay` from now; the end of time if that is beyond it.
  TimePoint time_after(std::chrono::nanoseconds delay) const noexcept {
    return delay < TimePoint::max() - now() ? now() + delay : TimePoint::max();
  }

  /// Lock held.
  void arm_timer(Timer& timer, TimePoint due);
  void cancel_timer(Timer& timer) noexcept { timers_.cancel(timer); }
  std::optional<TimePoint> next_timer() const { return timers_.next(); }

  /// Ends the driver's sleep. Threads: any.
  void wake() noexcept { waker_->wake(); }

  /// One round: every transport, the timers, then the actions. Returns how much was handled.
  std::size_t turn();
  /// Sleeps until there is something to do, at most `limit` if set.
  void sleep(std::optional<TimePoint> limit = std::nullopt);
  /// Sleeps on the kernel alone, in real time whatever the clock; for manual driving.
  void nap(std::chrono::nanoseconds at_most);
  /// True if some transport can be woken by the kernel, so that being idle may not last.
  bool waits_on_kernel() const;

  /// Starts the end of every transport; is_down() once each said so. Lock held.
  void shut_down();
  bool is_down() const;
  /// Frees the transports; nobody drives any more. Returns the schemes of those whose buffers are
  /// still held by the application: they are leaked, never freed under a reader.
  std::vector<std::string> destroy_transports();

 private:
  bool prepare_sleep(std::optional<TimePoint> limit);
  void release_buffers();

  EngineOptions options_;
  EngineEvents& events_;
  std::mutex mutex_;
  std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();  // transports may outlive us
  TimerQueue timers_;
  std::shared_ptr<ReleaseQueue> released_;
  std::map<std::string, std::unique_ptr<Transport>, std::less<>> transports_;
  std::vector<int> wait_fds_;
  std::optional<TimePoint> sleep_until_;  // of the present sleep; unset: for ever
};

}  // namespace trestle::engine
