// What the options of a node may be. docs/limits.md has these ranges, too.
#pragma once

#include <trestle/node.hpp>

#include <chrono>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

#include "peers/endpoint.hpp"

namespace trestle {

/// Of an option that counts something.
struct CountRange {
  static constexpr std::size_t no_max = std::numeric_limits<std::size_t>::max();

  std::string_view name;
  std::size_t NodeOptions::*option;
  std::size_t min;
  std::size_t max;
};

/// Of an option that is a time.
struct TimeRange {
  static constexpr auto no_max = std::chrono::nanoseconds::max();

  std::string_view name;
  std::chrono::nanoseconds NodeOptions::*option;
  std::chrono::nanoseconds min;
  std::chrono::nanoseconds max;
};

using peers::added_time_max;

std::span<const CountRange> count_ranges() noexcept;
std::span<const TimeRange> time_ranges() noexcept;

/// Errors: invalid_argument, of the first option that is out of its range or contradicts another.
[[nodiscard]] Result<void> check(const NodeOptions& options);

}  // namespace trestle
