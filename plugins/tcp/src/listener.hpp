// A listening socket: bound, accepting, backing off when the process is out of descriptors.
#pragma once

#include <trestle/sdk/result.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <trestle/transport_kit/addresses.hpp>
#include <trestle/transport_kit/file_descriptor.hpp>
#include <trestle/transport_kit/loop.hpp>
#include <trestle/transport_kit/socket_path.hpp>
#include "stream_options.hpp"

namespace trestle::tcp {

using transport_kit::Address;
using transport_kit::FileDescriptor;
using transport_kit::Loop;
using transport_kit::Pollable;
using transport_kit::SocketPath;
using transport_kit::TcpBinding;

/// What tt_listener is. Lifetime: until UNLISTENED was handed out.
class Listener final : public Pollable {
 public:
  /// Takes over a connection that came in at `listener`.
  using OnAccept = std::function<void(Listener&, FileDescriptor, const Address& peer)>;

  Listener(Loop& loop, StreamOptions options, void* user, OnAccept on_accept);
  ~Listener() override;

  /// Errors: TT_E_ADDRINUSE, TT_E_DENIED, TT_E_UNREACHABLE: not an address of this host.
  sdk::Result<> open_tcp(const TcpBinding& binding);
  sdk::Result<> open_unix(const Address& address);

  /// A URI that connect() accepts; a wildcard stays one, for the host to replace.
  const std::string& uri() const noexcept { return uri_; }
  const StreamOptions& options() const noexcept { return options_; }
  void* user() const noexcept { return user_; }
  bool is_open() const noexcept { return static_cast<bool>(socket_); }

  /// Stops listening; UNLISTENED follows.
  void close();

  void on_ready(std::uint32_t) override {}
  void on_deadline() override;
  void work() override;

 private:
  sdk::Result<> start(const std::string& what);
  bool accept_one();
  void back_off(int os_errno);

  Loop& loop_;
  const StreamOptions options_;
  void* user_;
  OnAccept on_accept_;
  FileDescriptor socket_;
  SocketPath path_;
  std::string uri_;
};

}  // namespace trestle::tcp
