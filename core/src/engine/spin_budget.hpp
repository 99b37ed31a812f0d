// How long a leader polls before it sleeps.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/spin.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace trestle::engine {

/// What became of an offer of the CPU: nobody took it, somebody did and gave it back soon, or only
/// after a time slice.
enum class Offer { left, taken, kept };

/// Learns from each idle time whether polling through it would have paid. Waking a sleeping CPU
/// costs some 20 µs here and there, so polling longer than two of these never pays. Whoever is
/// waited for may need this very CPU: so the poller offers it between looks, each time where it was
/// taken of late, else now and then, seldom where somebody kept it.
/// Threads: under the engine's lock.
class SpinBudget {
 public:
  static constexpr std::chrono::nanoseconds longest = std::chrono::microseconds(50);
  /// Of Spin::on: longer than a time slice, since the peer may have lost its CPU for one. Whoever
  /// sleeps then has to be woken, by a peer that may lose its CPU for that.
  static constexpr std::chrono::nanoseconds always = std::chrono::milliseconds(5);

  explicit SpinBudget(Spin policy) noexcept
      : policy_(policy), budget_(policy == Spin::on ? always : std::chrono::nanoseconds(0)) {}

  /// For the idle time that begins now; 0: sleep at once.
  std::chrono::nanoseconds next() noexcept {
    if (policy_ == Spin::automatic && budget_.count() == 0 && ++idle_times_ >= probe_every_) {
      idle_times_ = 0;
      budget_ = probe_;
    }
    return budget_;
  }

  /// Something came while polling.
  void paid() noexcept {
    if (policy_ != Spin::automatic) return;
    budget_ = std::min(budget_ * 2, longest);
    probe_ = std::max(probe_, budget_);
    probe_every_ = probe_every_min;
    misses_ = 0;
  }

  /// Nothing came, and then the thread slept for `slept`.
  void missed(std::chrono::nanoseconds slept) noexcept {
    if (policy_ != Spin::automatic || budget_.count() == 0) return;
    // Had it come soon after, polling longer may pay, or once more; so it is tried, a few times.
    if (slept < 2 * longest && ++misses_ < misses_max) {
      budget_ = std::min(budget_ * 2, longest);
      return;
    }
    give_up();
  }

  /// Something came, but only after others had this CPU for long without being offered it: most
  /// likely the very peer that was waited for.
  void interrupted() noexcept {
    if (policy_ == Spin::automatic) give_up();
  }

  /// Before each look: whether to offer the CPU to others first.
  bool offers_cpu() noexcept { return ++looks_ >= offer_every_; }

  /// It offered the CPU, and got it back.
  void offered_cpu(Offer was) noexcept {
    looks_ = 0;
    if (was == Offer::taken) {
      offer_every_ = 1;
    } else if (was == Offer::kept) {
      offer_every_ = std::clamp(offer_every_ * 4, offer_every_min_kept, offer_every_max_kept);
    } else {
      offer_every_ = offer_every_ > offer_every_max ? offer_every_ / 2
                                                    : std::min(offer_every_ * 2, offer_every_max);
    }
  }

 private:
  void give_up() noexcept {
    misses_ = 0;
    budget_ = std::chrono::nanoseconds(0);
    probe_ = std::max(probe_ / 2, shortest);
    probe_every_ = std::min(probe_every_ * 2, probe_every_max);
  }

  static constexpr std::chrono::nanoseconds shortest = std::chrono::microseconds(10);
  static constexpr int misses_max = 6;
  static constexpr std::uint32_t probe_every_min = 2;
  static constexpr std::uint32_t probe_every_max = 1024;
  /// An offer that nobody takes costs a few 100 ns; one that is kept, a time slice.
  static constexpr std::uint32_t offer_every_max = 8;
  static constexpr std::uint32_t offer_every_min_kept = 1024;
  static constexpr std::uint32_t offer_every_max_kept = 1024 * 1024;

  Spin policy_;
  std::chrono::nanoseconds budget_;
  std::chrono::nanoseconds probe_ = shortest;  // what it begins anew with
  std::uint32_t idle_times_ = 0;               // without polling, since the last probe
  std::uint32_t probe_every_ = probe_every_min;
  int misses_ = 0;           // in a row
  std::uint32_t looks_ = 0;  // since the last offer
  std::uint32_t offer_every_ = 1;
};

/// One idle time that is polled through. Threads: under the engine's lock.
class PolledTime {
 public:
  PolledTime(SpinBudget& spin, std::chrono::nanoseconds budget, TimePoint now) noexcept
      : spin_(spin), budget_(budget), start_(now), idle_since_(now), last_look_(now) {}

  bool is_over() const noexcept { return last_look_ - idle_since_ >= budget_; }

  void begin_look(TimePoint now) noexcept {
    const auto took = now - std::exchange(last_look_, now);
    if (++looks_ == 1) return;  // what lies before the first says nothing of looks
    if (took > longest_turn_of_others) {
      was_interrupted_ = true;
    } else if (took > std::max(longest_look, 3 * shortest_look_)) {
      // The look before took in a part of something large, and the rest is on its way; or somebody
      // took the CPU unoffered.
      arriving_ += took;
      if (may_go_on(now - start_)) idle_since_ = now;
    } else {
      shortest_look_ = std::min(shortest_look_, took);
    }
  }
  /// The same where this thread left the lock to others before: how long that took says nothing.
  void begin_look_after_others(TimePoint now) noexcept {
    ++looks_;
    last_look_ = now;
  }
  /// Before it: the CPU was offered to others, and came back after that time.
  void offered_cpu(std::chrono::nanoseconds took) noexcept {
    last_look_ += took;  // not a part of the look
    if (took <= longest_offer) return spin_.offered_cpu(Offer::left);
    spin_.offered_cpu(took <= longest_turn_of_others ? Offer::taken : Offer::kept);
    // Most likely whoever took it did what this thread waits for.
    if (last_look_ - start_ < longest_in_all) idle_since_ += took;
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
  /// A look at transports that have nothing takes less; where they are slow, less than three of the
  /// shortest.
  static constexpr std::chrono::nanoseconds longest_look = std::chrono::microseconds(2);
  /// An offer of the CPU that nobody takes is over by then.
  static constexpr std::chrono::nanoseconds longest_offer = std::chrono::microseconds(2);
  /// Of those who work for this node, or for its peer. Others get the CPU for a time slice, which
  /// is longer.
  static constexpr std::chrono::nanoseconds longest_turn_of_others = std::chrono::milliseconds(1);
  /// In case that some looks are just slow here.
  static constexpr std::chrono::nanoseconds longest_in_all = std::chrono::milliseconds(1);
  /// Where a quarter of the time and more goes into looks that take in something.
  static constexpr std::chrono::nanoseconds longest_arrival = std::chrono::milliseconds(50);

  bool may_go_on(std::chrono::nanoseconds polled) const noexcept {
    return polled < longest_in_all || (polled < longest_arrival && 4 * arriving_ >= polled);
  }

  SpinBudget& spin_;
  const std::chrono::nanoseconds budget_;
  const TimePoint start_;
  TimePoint idle_since_;
  TimePoint last_look_;
  std::uint64_t looks_ = 0;
  std::chrono::nanoseconds shortest_look_{longest_turn_of_others};
  std::chrono::nanoseconds arriving_{0};  // in looks that took in parts of something large
  bool was_interrupted_ = false;
};

}  // namespace trestle::engine
