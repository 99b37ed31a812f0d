// How the calls that a node makes ended.
#pragma once

#include <trestle/encoded.hpp>
#include <trestle/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace trestle {

/// Threads: under the engine's lock.
struct CallCounts {
  void end(const Result<Encoded>& outcome) noexcept {
    outcome.has_value() ? static_cast<void>(++succeeded) : fail(outcome.error());
  }
  void fail(const Error& why) noexcept {
    const bool ours = why.code.category() == error_category();
    const auto code = ours ? static_cast<std::size_t>(why.code.value()) : 0;
    ++failed[code < failed.size() ? code : 0];
  }

  std::uint64_t messages_sent = 0;
  std::uint64_t started = 0;
  std::uint64_t succeeded = 0;
  std::array<std::uint64_t, 128> failed{};  // by Errc; 0: all that have no number of ours
};

}  // namespace trestle
