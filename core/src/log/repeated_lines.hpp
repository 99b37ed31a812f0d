// Lines of one kind in a row: the first is logged, the others are counted.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/node.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::log {

/// One line that is due.
struct Line {
  LogLevel level;
  std::string text;
};

/// Whoever can make a node log shall not fill its log: of each kind at most one line per interval
/// leaves, and none is left out without a word. Threads: any.
class RepeatedLines {
 public:
  /// Kinds that are remembered at once; what is beyond them counts as one kind.
  static constexpr std::size_t kinds_max = 64;

  /// `interval` zero: each line is logged.
  explicit RepeatedLines(std::chrono::nanoseconds interval) noexcept : interval_(interval) {}

  /// True: log it. False: it is counted, and told of by take_due().
  bool admit(std::string_view kind, LogLevel level, std::string_view text, TimePoint now);

  /// What was left out in intervals that are over.
  std::vector<Line> take_due(TimePoint now);
  /// What was left out so far, whatever the time.
  std::vector<Line> take_all() { return take_due(TimePoint::max()); }
  /// When the next of these will be due; empty if nothing was left out.
  std::optional<TimePoint> next_due() const;

 private:
  struct Kind {
    TimePoint until{0};  // the end of its interval
    std::uint64_t left_out = 0;
    LogLevel level = LogLevel::warning;  // of the last line
    std::string last;
  };

  const std::chrono::nanoseconds interval_;
  mutable std::mutex mutex_;
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace trestle::log
