// Sockets for listeners, bound to what a URI says.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/socket_path.hpp>

#include <functional>

namespace trestle::transport_kit {

/// A stream socket that is bound and does not listen yet: non-blocking, closed on exec.
struct BoundSocket {
  /// Bound, not listening.
  FileDescriptor socket;
  Address address;  ///< the real one
  SocketPath path;  ///< the file, for a unix socket that has one
};

/// Sets options of a socket before it is bound.
using PrepareSocket = std::function<void(int fd)>;

/// The first address that the host supports; the v6 wildcard takes v4, too, unless `family` says
/// otherwise. Errors: TT_E_ADDRINUSE, TT_E_DENIED and the like, naming the address.
sdk::Result<BoundSocket> bind_tcp(const TcpBinding& binding, Family family,
                                  const PrepareSocket& prepare);

/// Its file has mode 0600. A file that no process serves is replaced.
/// Errors: TT_E_ADDRINUSE if one does, or if it is no socket; TT_E_ADDR: no such directory.
sdk::Result<BoundSocket> bind_unix(const Address& address, const PrepareSocket& prepare);

}  // namespace trestle::transport_kit
