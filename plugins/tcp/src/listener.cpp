// Binding.
#include "listener.hpp"

#include <trestle/transport_kit/socket_error.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cerrno>
#include <utility>

namespace trestle::tcp {

using transport_kit::socket_error;

namespace {

FileDescriptor stream_socket(int family) {
  return FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int bind_to(const FileDescriptor& socket, const Address& address) {
  return ::bind(socket.get(), address.data(), address.size()) == 0 ? 0 : errno;
}

}  // namespace

Listener::Listener(Loop& loop, StreamOptions options, void* user, OnAccept on_accept)
    : StreamListener(loop, user), options_(options), on_accept_(std::move(on_accept)) {}

sdk::Result<> Listener::open_tcp(const TcpBinding& binding) {
  sdk::Result<FileDescriptor> bound = FileDescriptor();
  for (const Address& address : binding.addresses) {
    bound = bind_tcp(address);
    // Only a host without this family falls through to the next.
    if (bound.has_value() || bound.error().code != TT_E_UNREACHABLE) break;
  }
  if (bound.has_error()) return bound.error();
  Address real;
  real.fill(
      [&](sockaddr* data, socklen_t* size) { return ::getsockname(bound->get(), data, size); });
  std::string uri = binding.wildcard ? "tcp://*:" + std::to_string(port_of(real)) : uri_of(real);
  return accept_at(std::move(*bound), std::move(uri));
}

sdk::Result<FileDescriptor> Listener::bind_tcp(const Address& address) const {
  const std::string what = "cannot listen on " + uri_of(address);
  FileDescriptor socket = stream_socket(address.family());
  if (!socket) return socket_error(what, errno);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.data());
    const bool wildcard = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
    const int v6_only = wildcard && options_.family != Family::v6 ? 0 : 1;
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
  }
  apply(options_, Scheme::tcp, socket.get());
  if (const int error = bind_to(socket, address); error != 0) return socket_error(what, error);
  return socket;
}

sdk::Result<> Listener::open_unix(const Address& address) {
  auto bound = bind_unix(address);
  if (bound.has_error()) return bound.error();
  if (const std::string path = path_of(address); !path.empty()) path_ = SocketPath::claim(path);
  return accept_at(std::move(*bound), uri_of(address));
}

sdk::Result<FileDescriptor> Listener::bind_unix(const Address& address) const {
  const std::string what = "cannot listen on " + uri_of(address);
  FileDescriptor socket = stream_socket(AF_UNIX);
  if (!socket) return socket_error(what, errno);
  apply(options_, Scheme::unix, socket.get());
  // Linux gives the file the socket's mode at bind, so it is never open to others, not even
  // for a moment, and the umask need not be touched.
  if (::fchmod(socket.get(), S_IRUSR | S_IWUSR) != 0) return socket_error(what, errno);
  int error = bind_to(socket, address);
  const std::string path = path_of(address);
  if (error == EADDRINUSE && !path.empty()) {
    if (auto cleared = SocketPath::clear_stale(path); cleared.has_error()) return cleared.error();
    error = bind_to(socket, address);
  }
  if (error == ENOENT) {
    return sdk::Error(TT_E_ADDR, what + ": the directory does not exist", error);
  }
  if (error != 0) return socket_error(what, error);
  return socket;
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
