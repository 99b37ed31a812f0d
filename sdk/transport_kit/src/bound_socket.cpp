// Binding to addresses and to files.
#include <trestle/transport_kit/bound_socket.hpp>
#include <trestle/transport_kit/socket_error.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cerrno>
#include <string>
#include <utility>

namespace trestle::transport_kit {
namespace {

FileDescriptor stream_socket(int family) {
  return FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int bind_to(const FileDescriptor& socket, const Address& address) {
  return ::bind(socket.get(), address.data(), address.size()) == 0 ? 0 : errno;
}

sdk::Result<FileDescriptor> bind_one(const Address& address, Family family,
                                     const PrepareSocket& prepare) {
  const std::string what = "cannot listen on " + uri_of(address);
  FileDescriptor socket = stream_socket(address.family());
  if (!socket) return socket_error(what, errno);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.data());
    const bool wildcard = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
    const int v6_only = wildcard && family != Family::v6 ? 0 : 1;
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
  }
  prepare(socket.get());
  if (const int error = bind_to(socket, address); error != 0) return socket_error(what, error);
  return socket;
}

}  // namespace

sdk::Result<BoundSocket> bind_tcp(const TcpBinding& binding, Family family,
                                  const PrepareSocket& prepare) {
  sdk::Result<FileDescriptor> bound = sdk::Error(TT_E_ADDR, "no address to listen on");
  for (const Address& address : binding.addresses) {
    bound = bind_one(address, family, prepare);
    // Only a host without this family falls through to the next.
    if (bound.has_value() || bound.error().code != TT_E_UNREACHABLE) break;
  }
  if (bound.has_error()) return bound.error();
  BoundSocket result;
  result.socket = std::move(*bound);
  result.address.fill([&](sockaddr* data, socklen_t* size) {
    return ::getsockname(result.socket.get(), data, size);
  });
  return result;
}

sdk::Result<BoundSocket> bind_unix(const Address& address, const PrepareSocket& prepare) {
  const std::string what = "cannot listen on " + uri_of(address);
  BoundSocket result;
  result.address = address;
  result.socket = stream_socket(AF_UNIX);
  if (!result.socket) return socket_error(what, errno);
  prepare(result.socket.get());
  // Linux gives the file the socket's mode at bind, so it is never open to others, not even
  // for a moment, and the umask need not be touched.
  if (::fchmod(result.socket.get(), S_IRUSR | S_IWUSR) != 0) return socket_error(what, errno);
  int error = bind_to(result.socket, address);
  const std::string path = path_of(address);
  if (error == EADDRINUSE && !path.empty()) {
    if (auto cleared = SocketPath::clear_stale(path); cleared.has_error()) return cleared.error();
    error = bind_to(result.socket, address);
  }
  if (error == ENOENT) {
    return sdk::Error(TT_E_ADDR, what + ": the directory does not exist", error);
  }
  if (error != 0) return socket_error(what, error);
  if (!path.empty()) result.path = SocketPath::claim(path);
  return result;
}

}  // namespace trestle::transport_kit
