// What a node says when it is asked how it is.
#pragma once

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include <trestle/error.hpp>
#include <trestle/export.hpp>

namespace trestle {

/// How a node is, as Peer::health_check() gets it.
struct Health {
  std::string status;          ///< "ok"; a node that drains refuses to answer
  std::int64_t timestamp = 0;  ///< seconds since 1970 on the clock of the peer's host
};
BOOST_DESCRIBE_STRUCT(Health, (), (status, timestamp))

/// What is known of the way to a peer.
enum class TransportState : std::uint8_t {
  not_registered,   ///< no endpoint of it is known, and it never connected
  never_connected,  ///< it is known, and no call has dialled it
  connected,        ///< it answered a ping
  failed,           ///< its connection ended, or could not be made
  timed_out,        ///< it is connected, and answers no ping
};

/// "not registered", "never connected", "connected", "failed" or "timed out".
TRESTLE_EXPORT std::string_view to_string(TransportState state) noexcept;

/// How the way to a peer is, as Peer::transport_health() finds it.
struct TransportHealth {
  TransportState state = TransportState::not_registered;  ///< what is known
  std::string uri{};  ///< where it was or will be dialled; empty if it connects to this node
  Error why{};        ///< what is wrong, unless it is connected
};

}  // namespace trestle
