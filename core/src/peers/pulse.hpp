// What the heartbeat of a node remembers of one connection.
#pragma once

#include <trestle/clock.hpp>

#include <cstdint>

namespace trestle::peers {

/// Signs of life of one connection. Threads: under the engine's lock.
struct Pulse {
  TimePoint heard_at{0};         ///< when something came last: the one store per packet
  TimePoint pinged_at{-1};       ///< first ping since then, if it is later
  std::uint64_t ping = 0;        ///< the last ping's frame number; 0: none yet
  std::uint64_t sent_up_to = 0;  ///< how far the outbox had got at the last look
  std::uint64_t bytes_in = 0;    ///< what the transport had received then, if it says
};

}  // namespace trestle::peers
