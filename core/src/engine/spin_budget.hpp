// How long a leader polls before it sleeps.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/spin.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace trestle::engine {

/// Learns from each idle time whether polling through it would have paid. Waking a sleeping CPU
/// costs some 20 µs here and there, so polling longer than two of these never pays; where the peer
/// needs this very CPU, polling at all does not. Threads: one.
class SpinBudget {
 public:
  static constexpr std::chrono::nanoseconds longest = std::chrono::microseconds(50);

  /// `cpus`: online on this machine. With one, whoever is waited for cannot run meanwhile.
  SpinBudget(Spin policy, unsigned cpus) noexcept
      : policy_(policy == Spin::automatic && cpus < 2 ? Spin::off : policy),
        budget_(policy_ == Spin::on ? longest : std::chrono::nanoseconds(0)) {}

  /// For the idle time that begins now; 0: sleep at once.
  std::chrono::nanoseconds next() noexcept {
    if (policy_ == Spin::automatic && budget_.count() == 0 && ++idle_times_ >= probe_every_) {
      idle_times_ = 0;
      budget_ = shortest;
    }
    return budget_;
  }

  /// Something came while polling.
  void paid() noexcept {
    if (policy_ != Spin::automatic) return;
    budget_ = std::min(budget_ * 2, longest);
    probe_every_ = probe_every_min;
    misses_ = 0;
  }

  /// Something came, but only after this thread had lost its CPU for a while: most likely to the
  /// very peer that it waited for.
  void interrupted() noexcept {
    if (policy_ == Spin::automatic) give_up();
  }

  /// Nothing came, and then the thread slept for `slept`.
  void missed(std::chrono::nanoseconds slept) noexcept {
    if (policy_ != Spin::automatic || budget_.count() == 0) return;
    // Had it come soon after, polling longer may pay; so it is tried, a few times.
    const bool nearly = slept < 2 * longest && budget_ < longest;
    if (nearly && ++misses_ < misses_max) {
      budget_ = std::min(budget_ * 2, longest);
      return;
    }
    give_up();
  }

 private:
  void give_up() noexcept {
    misses_ = 0;
    budget_ = std::chrono::nanoseconds(0);
    probe_every_ = std::min(probe_every_ * 2, probe_every_max);
  }

  static constexpr std::chrono::nanoseconds shortest = std::chrono::microseconds(10);
  static constexpr int misses_max = 4;
  static constexpr std::uint32_t probe_every_min = 2;
  static constexpr std::uint32_t probe_every_max = 1024;

  Spin policy_;
  std::chrono::nanoseconds budget_;
  std::uint32_t idle_times_ = 0;  // without polling, since the last probe
  std::uint32_t probe_every_ = probe_every_min;
  int misses_ = 0;  // in a row
};

/// One idle time that is polled through. Threads: one.
class PolledTime {
 public:
  PolledTime(SpinBudget& spin, std::chrono::nanoseconds budget, TimePoint now) noexcept
      : spin_(spin), budget_(budget), start_(now), idle_since_(now), last_look_(now) {}

  bool is_over() const noexcept { return last_look_ - idle_since_ >= budget_; }

  /// `was_preempted()`: whether this thread lost its CPU to another one since it last asked; also
  /// before this idle time, which ends polling once too often.
  template <class WasPreempted>
  void begin_look(TimePoint now, WasPreempted was_preempted) {
    ++looks_;
    if (now - std::exchange(last_look_, now) <= longest_look) {
      was_short_ = true;
    } else if (was_preempted()) {
      was_interrupted_ = true;
    } else if (was_short_ && now - start_ < longest_in_all) {
      // The look before took in a part of something large: the rest is on its way.
      idle_since_ = now;
    }
  }
  /// The same where this thread left the lock to others before: how long that took says nothing.
  void begin_look_after_others(TimePoint now) noexcept {
    ++looks_;
    last_look_ = now;
  }
  /// The look found something.
  void found() noexcept {
    if (was_interrupted_) {
      spin_.interrupted();
    } else if (looks_ > 1) {  // what is there at the first look came before
      spin_.paid();
    }
  }

 private:
  /// A look at transports that have nothing takes less.
  static constexpr std::chrono::nanoseconds longest_look = std::chrono::microseconds(8);
  /// In case that some looks are just slow here.
  static constexpr std::chrono::nanoseconds longest_in_all = std::chrono::milliseconds(1);

  SpinBudget& spin_;
  const std::chrono::nanoseconds budget_;
  const TimePoint start_;
  TimePoint idle_since_;
  TimePoint last_look_;
  std::uint64_t looks_ = 0;
  bool was_short_ = false;  // a look, so that long ones mean something
  bool was_interrupted_ = false;
};

}  // namespace trestle::engine
