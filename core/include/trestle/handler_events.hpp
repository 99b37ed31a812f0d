// What happens to the handlers of a node, for those who want to follow it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <trestle/export.hpp>
#include <trestle/ids.hpp>

namespace trestle {

namespace registry {
class EventLog;
}

/// A handler came or went.
struct HandlerEvent {
  /// What happened to it.
  enum class Change : std::uint8_t { registered, deregistered };

  Change change = Change::registered;  ///< what happened
  std::string name{};                  ///< the handler's
  InstanceId instance{};               ///< the node's
  std::size_t missed = 0;              ///< events before this one that the reader came too late for
};

/// "registered" or "deregistered".
TRESTLE_EXPORT std::string_view to_string(HandlerEvent::Change change) noexcept;

/// One reader of a node's handler events, from when it was made on. The node keeps the last
/// `history_max` events; a reader that lags behind further is told how many it missed. Move-only.
/// Threads: one at a time.
class TRESTLE_EXPORT HandlerEvents {
 public:
  /// How many events a reader may lag behind.
  static constexpr std::size_t history_max = 1024;

  /// Made by Node::handler_events().
  explicit HandlerEvents(std::shared_ptr<registry::EventLog> log);
  /// Takes the place of `other`, which reads nothing any more.
  HandlerEvents(HandlerEvents&& other) noexcept = default;
  /// Likewise.
  HandlerEvents& operator=(HandlerEvents&& other) noexcept = default;

  /// The next event, if there is one already. A reader that was moved from has none.
  std::optional<HandlerEvent> poll();
  /// Waits for the next event at most so long, by the time of day; empty at the end, and once the
  /// node is closed. Not for inline handlers: the node stands still meanwhile.
  std::optional<HandlerEvent> wait_for(std::chrono::nanoseconds timeout);

 private:
  std::shared_ptr<registry::EventLog> log_;
  std::uint64_t next_ = 0;
};

}  // namespace trestle
