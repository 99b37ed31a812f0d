// CURVE keys: from files whose mode is checked, or, for public ones, from the URI.
#pragma once

#include <trestle/sdk/result.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <zmq.hpp>

#include "socket_options.hpp"

namespace trestle::zeromq {

inline constexpr std::size_t key_bytes = 32;  ///< before they are written in Z85

/// Public keys in Z85, 40 characters each.
using PublicKeys = std::set<std::string>;

/// What a listener needs to let only known clients in.
struct ServerKeys {
  std::string secret;
  PublicKeys allowed;
};

/// What a client needs to be let in, and to know whom it talks to.
struct ClientKeys {
  std::string secret;
  std::string public_key;
  std::string server;
};

/// Nothing if no curve option is given and `scheme` does not ask for keys.
/// Errors, here and below: TT_E_ADDR: options that are missing or do not go together, a key that is
/// none; TT_E_DENIED: a file that others may read, or that cannot be read.
sdk::Result<std::optional<ServerKeys>> server_keys(Scheme scheme, const CurveOptions& options);
sdk::Result<std::optional<ClientKeys>> client_keys(Scheme scheme, const CurveOptions& options);

/// Errors: those of libzmq, as zmq::error_t.
void apply(const ServerKeys& keys, zmq::socket_t& socket);
void apply(const ClientKeys& keys, zmq::socket_t& socket);

}  // namespace trestle::zeromq
