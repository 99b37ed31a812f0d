// Which peers come and go, for those who want to follow it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/ids.hpp>

namespace trestle {

namespace peers {
class PeerEventLog;
}

/// A peer came or is gone.
struct PeerEvent {
  /// What happened: the first connection to it is open, or the last one ended.
  enum class Change : std::uint8_t { came, gone };

  Change change = Change::came;   ///< what happened
  InstanceId peer{};              ///< its id
  std::uint64_t incarnation = 0;  ///< which start of it; a larger one came back after a restart
  std::string uri{};              ///< where it was dialled; empty if it connected to this node
  Error reason{};                 ///< why it is gone
  std::size_t missed = 0;         ///< events before this one that the reader came too late for
};

/// "came" or "gone".
TRESTLE_EXPORT std::string_view to_string(PeerEvent::Change change) noexcept;

/// One reader of a node's peer events, from when it was made on. The node keeps the last
/// `history_max` events; a reader that lags behind further is told how many it missed. Move-only.
/// Threads: one at a time.
class TRESTLE_EXPORT PeerEvents {
 public:
  /// How many events a reader may lag behind.
  static constexpr std::size_t history_max = 1024;

  /// Made by Node::peer_events().
  explicit PeerEvents(std::shared_ptr<peers::PeerEventLog> log);
  /// Takes the place of `other`, which reads nothing any more.
  PeerEvents(PeerEvents&& other) noexcept = default;
  /// Likewise.
  PeerEvents& operator=(PeerEvents&& other) noexcept = default;

  /// The next event, if there is one already. A reader that was moved from has none.
  std::optional<PeerEvent> poll();
  /// Waits for the next event at most so long, by the time of day; empty at the end, and once the
  /// node is closed. Not for inline handlers: the node stands still meanwhile.
  std::optional<PeerEvent> wait_for(std::chrono::nanoseconds timeout);

 private:
  std::shared_ptr<peers::PeerEventLog> log_;
  std::uint64_t next_ = 0;
};

}  // namespace trestle
