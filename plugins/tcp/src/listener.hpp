// A listening socket: bound as its URI asks for it.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/socket_path.hpp>
#include <trestle/transport_kit/stream_listener.hpp>

#include <functional>
#include <string>

#include "stream_options.hpp"

namespace trestle::tcp {

using transport_kit::Address;
using transport_kit::FileDescriptor;
using transport_kit::Loop;
using transport_kit::SocketPath;
using transport_kit::TcpBinding;

/// What tt_listener is. Lifetime: until UNLISTENED was handed out.
class Listener final : public transport_kit::StreamListener {
 public:
  /// Takes over a connection that came in at `listener`.
  using OnAccept = std::function<void(Listener&, FileDescriptor, const Address& peer)>;

  Listener(Loop& loop, StreamOptions options, void* user, OnAccept on_accept);

  /// `uri()` keeps a wildcard, for the host to replace.
  /// Errors: TT_E_ADDRINUSE, TT_E_DENIED, TT_E_UNREACHABLE: not an address of this host.
  sdk::Result<> open_tcp(const TcpBinding& binding);
  sdk::Result<> open_unix(const Address& address);

  const StreamOptions& options() const noexcept { return options_; }

  /// Stops listening, and removes the socket's file; UNLISTENED follows.
  void close();

 private:
  sdk::Result<> accept_at(FileDescriptor socket, std::string uri);

  const StreamOptions options_;
  OnAccept on_accept_;
  SocketPath path_;
};

}  // namespace trestle::tcp
