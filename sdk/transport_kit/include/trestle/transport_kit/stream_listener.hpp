// A listening stream socket: accepting, and backing off when the process is out of descriptors.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/socket_address.hpp>

#include <functional>
#include <string>

namespace trestle::transport_kit {

/// What tt_listener is in a transport over stream sockets. Lifetime: until UNLISTENED was handed
/// out. Threads: distinct objects safe.
class StreamListener : public Pollable {
 public:
  /// Takes over a connection that came in. Its socket is non-blocking.
  using OnAccept = std::function<void(FileDescriptor, const SocketAddress& peer)>;

  /// `user`: the host's cookie.
  StreamListener(Loop& loop, void* user) : loop_(loop), user_(user) {}
  ~StreamListener() override { loop_.forget(*this); }

  /// Listens with a bound, non-blocking socket. Errors: what the system says, with `uri`.
  sdk::Result<> start(FileDescriptor socket, std::string uri, OnAccept on_accept);

  /// Stops listening; UNLISTENED follows.
  void close();

  /// What `listener_uri` says: connect() accepts it.
  const std::string& uri() const noexcept { return uri_; }
  /// The host's cookie.
  void* user() const noexcept { return user_; }
  /// Until close().
  bool is_open() const noexcept { return static_cast<bool>(socket_); }

 private:
  void on_deadline() override;
  void work() override;
  bool accept_one();
  void back_off(int os_errno);

  Loop& loop_;
  void* const user_;
  OnAccept on_accept_;
  FileDescriptor socket_;
  std::string uri_;
};

}  // namespace trestle::transport_kit
