// Binding.
#include "listener.hpp"

#include <trestle/transport_kit/bound_socket.hpp>

#include <utility>

namespace trestle::tcp {

Listener::Listener(Loop& loop, StreamOptions options, void* user, OnAccept on_accept)
    : StreamListener(loop, user), options_(options), on_accept_(std::move(on_accept)) {}

sdk::Result<> Listener::open_tcp(const TcpBinding& binding) {
  auto bound = transport_kit::bind_tcp(binding, options_.family,
                                       [this](int fd) { apply(options_, Scheme::tcp, fd); });
  if (bound.has_error()) return bound.error();
  std::string uri = binding.wildcard ? "tcp://*:" + std::to_string(port_of(bound->address))
                                     : uri_of(bound->address);
  return accept_at(std::move(bound->socket), std::move(uri));
}

sdk::Result<> Listener::open_unix(const Address& address) {
  auto bound =
      transport_kit::bind_unix(address, [this](int fd) { apply(options_, Scheme::unix, fd); });
  if (bound.has_error()) return bound.error();
  path_ = std::move(bound->path);
  return accept_at(std::move(bound->socket), uri_of(address));
}

sdk::Result<> Listener::accept_at(FileDescriptor socket, std::string uri) {
  return start(std::move(socket), std::move(uri), [this](FileDescriptor peer, const Address& from) {
    on_accept_(*this, std::move(peer), from);
  });
}

void Listener::close() {
  if (!is_open()) return;
  StreamListener::close();
  path_ = SocketPath();
}

}  // namespace trestle::tcp
