// What a measurement records while it runs, and how it is printed.
#pragma once

#include "arguments.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bare {

using Clock = std::chrono::steady_clock;

/// Times in nanoseconds in memory that was touched before the measurement: recording one is a
/// store. Beyond its capacity the rest only counts.
class Samples {
 public:
  Samples();

  void add(Clock::duration time) noexcept {
    if (count_ < times_.size()) times_[count_] = static_cast<std::uint32_t>(time.count());
    ++count_;
  }
  /// A message of which no time is taken.
  void add_untimed() noexcept { ++untimed_; }
  void clear() noexcept { count_ = untimed_ = 0; }
  /// Of all messages.
  std::uint64_t count() const noexcept { return count_ + untimed_; }

  /// Sorts what was recorded; the order of arrival is lost.
  void sort();
  /// The value below which `part` of the sorted times lie, in microseconds.
  double quantile_us(double part) const noexcept;
  double mean_us() const noexcept;

 private:
  std::size_t recorded() const noexcept;

  std::vector<std::uint32_t> times_;
  std::uint64_t count_ = 0;
  std::uint64_t untimed_ = 0;
};

/// A finished measurement.
struct Result {
  std::string endpoint;
  const char* mode = "rtt";
  std::size_t size = 0;
  std::size_t clients = 1;
  std::size_t outstanding = 1;
  Clock::duration took{};      ///< of all messages, the last one's answer included
  std::uint64_t messages = 0;  ///< in that time
};

/// One line of JSON with the keys that `trestle bench --json` has, too.
/// Each sample is the time of `messages_per_sample` messages in a row.
void print(const Result& result, Samples& samples, int messages_per_sample = 1);

}  // namespace bare
