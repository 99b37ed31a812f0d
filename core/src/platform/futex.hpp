// Sleeping on a word of memory.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace trestle::platform {

/// Sleeps while `word` is `expected`, at most `timeout`; may return early. Whoever changes the word
/// calls futex_wake_one() after it.
void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::optional<std::chrono::nanoseconds> timeout = std::nullopt) noexcept;

/// Wakes one that sleeps on `word`. The word is not read: it may be gone already.
void futex_wake_one(std::atomic<std::uint32_t>& word) noexcept;

}  // namespace trestle::platform
