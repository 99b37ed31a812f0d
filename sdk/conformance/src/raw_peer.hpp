// A stranger: a plain socket that knows nothing of the transport behind a listener.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace trestle::conformance {

class Bench;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

/// Where a listener's URI leads if it ends in a numeric address and port of this machine, in a
/// socket's path or in an abstract name.
std::optional<SocketAddress> socket_address_of(const std::string& uri);

/// Connects at once; closes at the end.
class RawPeer {
 public:
  explicit RawPeer(const SocketAddress& address);
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  /// As much as the socket takes; a listener that hangs up early is none of its business.
  void write(std::span<const std::byte> bytes);

 private:
  int socket_ = -1;
};

/// What the plugin itself says first on a connection to a socket of the same kind as `address`.
std::vector<std::byte> overhear(Bench& bench, const SocketAddress& like);

}  // namespace trestle::conformance
