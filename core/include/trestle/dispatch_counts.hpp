// What a node refused to run, by reason and by handler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace trestle {

/// Messages whose handler did not start, by reason. Each is counted once, also where nobody waits
/// for its outcome.
struct RefusalCounts {
  std::uint64_t unknown_handler = 0;  ///< no handler of that name is registered
  std::uint64_t kind_mismatch = 0;    ///< the mode, or a receipt's expectation, does not fit it
  std::uint64_t undecodable = 0;      ///< it cannot read the payload
  std::uint64_t invalid = 0;          ///< the request itself makes no sense, or asks for too much
  std::uint64_t overloaded = 0;       ///< a queue, a lane, or the node has no room
  std::uint64_t draining = 0;         ///< the node closes, or did before it was the message's turn
  std::uint64_t deadline_passed = 0;  ///< found too late, by this node's clock
  std::uint64_t cancelled = 0;        ///< the caller took it back, also at the caller's deadline
  std::uint64_t not_permitted = 0;    ///< its sender may not administer the node

  /// All of them.
  constexpr std::uint64_t total() const noexcept {
    return unknown_handler + kind_mismatch + undecodable + invalid + overloaded + draining +
           deadline_passed + cancelled + not_permitted;
  }

  /// By each number.
  friend constexpr bool operator==(const RefusalCounts&, const RefusalCounts&) noexcept = default;
};

/// What was counted for one handler since it was added.
struct HandlerCounts {
  std::string handler;       ///< as registered
  RefusalCounts refused{};   ///< `unknown_handler` is 0
  std::uint64_t failed = 0;  ///< its own failures, also where nobody waited
};

/// What a node's dispatcher counted since the node's start.
struct DispatchCounts {
  RefusalCounts
      refused{};  ///< of all messages, also those for handlers that are gone, or never were
  std::uint64_t failed = 0;               ///< of all handlers
  std::size_t lanes = 0;                  ///< in use now, or less than half a minute ago
  std::vector<HandlerCounts> handlers{};  ///< those registered now, the system's included, by name
};

}  // namespace trestle
