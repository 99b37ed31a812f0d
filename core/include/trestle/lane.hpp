// Lanes: messages that run one after the other, in the order in which they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace trestle {

/// What becomes of a message for a lane in which as many wait as may.
enum class LaneFull : std::uint8_t {
  refuse,  ///< it is refused as overloaded
  warn,    ///< it is taken, and the log says so; NodeOptions::spawn_queue_messages still holds
};

/// Which lane the messages of a handler are in. The messages of one lane run one after the other,
/// in the order in which they came, whichever handlers they are for; the next one starts when the
/// outcome of the one before is known, also where a coroutine or a Reply gives it later. Lanes run
/// beside each other. One that nobody used for 30 seconds is forgotten.
struct Lane {
  /// Whose messages share a lane.
  enum class Scope : std::uint8_t {
    none,    ///< nobody's: there is no lane
    sender,  ///< those of one sender, for all handlers that say the same name
    node,    ///< all, for all handlers that say the same name
  };

  Scope scope = Scope::none;              ///< no lane, unless said
  std::string name{};                     ///< handlers that say the same one share lanes
  std::size_t waiting_max = 1024;         ///< messages that wait in one lane
  LaneFull when_full = LaneFull::refuse;  ///< beyond that

  /// One lane for each sender. Lanes of one name are for all handlers that give it.
  static Lane per_sender(std::string name = {}) { return {Scope::sender, std::move(name)}; }
  /// One lane for all messages, and for all handlers that give this name.
  static Lane shared(std::string name) { return {Scope::node, std::move(name)}; }
};

}  // namespace trestle
