// When calls that completions made leave: at once, or with those that the next outcomes lead to.
#pragma once

#include <trestle/clock.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace trestle::peers {

/// Calls that are started by the outcomes of others go round in circles, in packets that never join
/// again once they were split; and each packet costs both sides system calls and wake-ups. So the
/// calls of a turn wait for a fair part of all that are under way, and leave in the middle of a
/// turn once that is there: then each side has a packet to work on. Where few calls are under way,
/// or waiting did not pay of late, they leave at once. Threads: under the engine's lock.
class CallGathering {
 public:
  /// With fewer calls under way, those of a turn leave at its end.
  static constexpr std::size_t calls_min = 64;

  /// A call was queued: so many bytes waited on its connection before it and after it.
  void add(std::size_t before, std::size_t after) noexcept {
    if (before != bytes_) return;  // it is among what may not wait
    ++calls_;
    bytes_ = after;
  }

  /// There are enough of them for a packet.
  bool is_full() const noexcept { return calls_ >= full_; }

  /// There are some, and nothing else is among the bytes that wait.
  bool is_all_of(std::size_t bytes) const noexcept { return calls_ != 0 && bytes == bytes_; }

  /// At the end of a turn, with so many calls under way, these included: whether they may wait.
  /// Then they leave at `until()` at the latest.
  bool may_wait(std::size_t calls, TimePoint now, std::chrono::nanoseconds at_most) noexcept;

  /// Valid since may_wait() said so.
  TimePoint until() const noexcept { return until_; }

  /// All that waited leaves.
  void on_flush() noexcept {
    if (held_calls_ != 0) learn();
    calls_ = 0;
    bytes_ = 0;
  }

 private:
  void learn() noexcept;

  static constexpr std::uint32_t pause_min = 4;
  static constexpr std::uint32_t pause_max = 1024;

  std::size_t calls_ = 0;
  std::size_t bytes_ = 0;  // that wait where there are only these calls
  std::size_t full_ = std::numeric_limits<std::size_t>::max();
  std::size_t held_calls_ = 0;  // when they began to wait; 0: they do not
  TimePoint until_{0};
  std::uint32_t pause_ = pause_min;  // turns that do not wait, after one that waited in vain
  std::uint32_t pause_left_ = 0;
};

}  // namespace trestle::peers
