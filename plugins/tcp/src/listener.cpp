// Binding and accepting.
#include "listener.hpp"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cerrno>
#include <chrono>
#include <utility>

#include <trestle/transport_kit/socket_error.hpp>

namespace trestle::tcp {
namespace {

using transport_kit::reason_of;
using transport_kit::socket_error;

using namespace std::chrono_literals;

/// Until a process that ran out of descriptors or memory tries to accept again.
constexpr std::chrono::nanoseconds accept_pause = 100ms;
/// Connections accepted before others get their turn.
constexpr int accepts_per_round = 64;

FileDescriptor stream_socket(int family) {
  return FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int bind_to(const FileDescriptor& socket, const Address& address) {
  return ::bind(socket.get(), address.data(), address.size()) == 0 ? 0 : errno;
}

bool is_exhaustion(int os_errno) {
  return os_errno == EMFILE || os_errno == ENFILE || os_errno == ENOBUFS || os_errno == ENOMEM;
}

}  // namespace

Listener::Listener(Loop& loop, StreamOptions options, void* user, OnAccept on_accept)
    : loop_(loop), options_(options), user_(user), on_accept_(std::move(on_accept)) {}

Listener::~Listener() {
  loop_.forget(*this);
}

sdk::Result<> Listener::open_tcp(const TcpBinding& binding) {
  sdk::Result<> bound;
  for (const Address& address : binding.addresses) {
    bound = bind_tcp(address);
    // Only a host without this family falls through to the next.
    if (bound.has_value() || bound.error().code != TT_E_UNREACHABLE) break;
  }
  if (bound.has_error()) return bound;
  Address real;
  real.fill(
      [&](sockaddr* data, socklen_t* size) { return ::getsockname(socket_.get(), data, size); });
  uri_ = binding.wildcard ? "tcp://*:" + std::to_string(port_of(real)) : uri_of(real);
  return start(uri_);
}

sdk::Result<> Listener::bind_tcp(const Address& address) {
  const std::string what = "cannot listen on " + uri_of(address);
  socket_ = stream_socket(address.family());
  if (!socket_) return socket_error(what, errno);
  const int on = 1;
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.family() == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.data());
    const bool wildcard = IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
    const int v6_only = wildcard && options_.family != Family::v6 ? 0 : 1;
    ::setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
  }
  apply(options_, Scheme::tcp, socket_.get());
  if (const int error = bind_to(socket_, address); error != 0) return socket_error(what, error);
  return {};
}

sdk::Result<> Listener::open_unix(const Address& address) {
  if (auto bound = bind_unix(address); bound.has_error()) return bound;
  uri_ = uri_of(address);
  if (const std::string path = path_of(address); !path.empty()) path_ = SocketPath::claim(path);
  return start(uri_);
}

sdk::Result<> Listener::bind_unix(const Address& address) {
  const std::string what = "cannot listen on " + uri_of(address);
  socket_ = stream_socket(AF_UNIX);
  if (!socket_) return socket_error(what, errno);
  apply(options_, Scheme::unix, socket_.get());
  // Linux gives the file the socket's mode at bind, so it is never open to others, not even
  // for a moment, and the umask need not be touched.
  if (::fchmod(socket_.get(), S_IRUSR | S_IWUSR) != 0) return socket_error(what, errno);
  int error = bind_to(socket_, address);
  const std::string path = path_of(address);
  if (error == EADDRINUSE && !path.empty()) {
    if (auto cleared = SocketPath::clear_stale(path); cleared.has_error()) return cleared;
    error = bind_to(socket_, address);
  }
  if (error == ENOENT) {
    return sdk::Error(TT_E_ADDR, what + ": the directory does not exist", error);
  }
  if (error != 0) return socket_error(what, error);
  return {};
}

sdk::Result<> Listener::start(const std::string& what) {
  if (::listen(socket_.get(), SOMAXCONN) != 0) {
    return socket_error("cannot listen on " + what, errno);
  }
  const int error = loop_.watch(socket_.get(), *this, EPOLLIN);
  if (error != 0) return socket_error("cannot watch " + what, error);
  return {};
}

void Listener::close() {
  if (!socket_) return;
  loop_.forget(*this);
  loop_.unwatch(socket_.get());
  socket_.reset();
  path_ = SocketPath();
  tt_event event{};
  event.kind = TT_EV_UNLISTENED;
  event.status = TT_E_CLOSED;
  event.user = user_;
  loop_.emit(event, nullptr);
}

void Listener::work() {
  for (int left = accepts_per_round; left > 0 && socket_; --left) {
    if (loop_.events().room() == 0) return loop_.enqueue(*this);
    if (!accept_one()) return;
  }
  loop_.enqueue(*this);
}

/// False: there is nothing more to accept now.
bool Listener::accept_one() {
  Address peer;
  FileDescriptor socket(peer.fill([&](sockaddr* data, socklen_t* size) {
    return ::accept4(socket_.get(), data, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }));
  if (socket) {
    on_accept_(*this, std::move(socket), peer);
    return true;
  }
  if (errno == EAGAIN) return false;
  if (is_exhaustion(errno)) {
    back_off(errno);
    return false;
  }
  return true;  // that connection is gone already; the next may be fine
}

/// The waiting connection keeps the listener readable, so it must leave the epoll set, or the host
/// would spin until a descriptor is free.
void Listener::back_off(int os_errno) {
  loop_.host().log(TT_LOG_WARN, uri_ + ": cannot accept for now: " + reason_of(os_errno));
  loop_.unwatch(socket_.get());
  loop_.set_deadline(*this, loop_.host().now() + accept_pause);
}

void Listener::on_deadline() {
  if (socket_ && loop_.watch(socket_.get(), *this, EPOLLIN) != 0) {
    loop_.set_deadline(*this, loop_.host().now() + accept_pause);
  }
}

}  // namespace trestle::tcp
