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

/// An address of this machine where a listener lets everybody wait: its queue is full for good.
class SilentPlace {
 public:
  /// Of the same kind as `like`. Errors: Skipped, if the system answers all the same.
  explicit SilentPlace(const SocketAddress& like);
  ~SilentPlace();
  SilentPlace(const SilentPlace&) = delete;
  SilentPlace& operator=(const SilentPlace&) = delete;

  /// As URIs name it, behind "://".
  const std::string& name() const { return name_; }

 private:
  bool is_full() const;

  int listener_ = -1;
  std::string name_;
  std::vector<int> waiting_;  ///< connections that fill the queue
};

/// What the plugin itself says first on a connection to a socket of the same kind as `address`.
std::vector<std::byte> overhear(Bench& bench, const SocketAddress& like);

}  // namespace trestle::conformance
