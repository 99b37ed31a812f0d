// Counts what was refused, by reason.
#pragma once

#include <trestle/dispatch_counts.hpp>
#include <trestle/error.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace trestle::dispatch {

/// Why a message did not run; one for each member of RefusalCounts, in their order.
enum class Refusal : std::uint8_t {
  unknown_handler,
  kind_mismatch,
  undecodable,
  invalid,
  overloaded,
  draining,
  deadline_passed,
  cancelled,
  not_permitted,
};

/// What the code of a refusal says.
Refusal refusal_of(const Error& error) noexcept;

/// Threads: any.
class Tally {
 public:
  void refused(Refusal why) noexcept {
    // Relaxed, as all here: numbers, they publish nothing.
    refused_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
  }
  void failed() noexcept { failed_.fetch_add(1, std::memory_order_relaxed); }

  RefusalCounts refusals() const noexcept;
  std::uint64_t failures() const noexcept { return failed_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, 9> refused_{};
  std::atomic<std::uint64_t> failed_{0};
};

}  // namespace trestle::dispatch
