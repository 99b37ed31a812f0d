// Drives nodes by hand on a virtual clock: no threads, nothing happens between two calls.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include <trestle/clock.hpp>
#include <trestle/export.hpp>

namespace trestle {

class NodeCore;

/// Time that moves only when told to. Threads: one.
class TRESTLE_EXPORT ManualClock final : public Clock {
 public:
  /// Where it was moved to.
  TimePoint now() const noexcept override { return now_; }
  /// Moves it, without doing what was due meanwhile: that is for ManualDriver::advance().
  void advance(std::chrono::nanoseconds by) noexcept { now_ += by; }
  /// Never moves backwards.
  void advance_to(TimePoint time) noexcept { now_ = time > now_ ? time : now_; }

 private:
  TimePoint now_{0};
};

/// Drives the nodes that were made with it, in the order of their making. Fully deterministic over
/// transports without file descriptors, such as inproc://. A blocking call on one of its nodes
/// drives all of them until its outcome, moving the clock to the next timer whenever nothing else
/// is left to do. Threads: one.
/// Lifetime: longer than its nodes, their Peers and their Replies.
class TRESTLE_EXPORT ManualDriver {
 public:
  ManualDriver();
  ~ManualDriver();
  ManualDriver(const ManualDriver&) = delete;
  ManualDriver& operator=(const ManualDriver&) = delete;

  /// The clock of its nodes.
  ManualClock& clock() noexcept { return clock_; }

  /// One turn of each node; returns how much was handled, 0 if nothing was left to do.
  std::size_t poll();

  /// Turns until nothing is left to do at the present time.
  void settle();

  /// Lets time pass: fires each timer at its own time, and settles after each.
  void advance(std::chrono::nanoseconds by);

  /// Turns, moving the clock when idle, until `done` says so. False: nothing is left that could
  /// make it true.
  bool run_until(const std::function<bool()>& done);

 private:
  friend class NodeCore;
  struct Nodes;

  template <class Done>
  bool drive_until(const Done& done);
  bool nap_brought_work();
  std::optional<TimePoint> next_timer() const;

  ManualClock clock_;
  std::unique_ptr<Nodes> nodes_;
  int depth_ = 0;
};

}  // namespace trestle
