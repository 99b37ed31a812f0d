// Binding and accepting.
#include "listener.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <cerrno>
#include <chrono>
#include <utility>

#include <trestle/transport_kit/bound_socket.hpp>
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
  auto bound = transport_kit::bind_tcp(binding, options_.family,
                                       [this](int fd) { apply(options_, Scheme::tcp, fd); });
  if (bound.has_error()) return bound.error();
  socket_ = std::move(bound->socket);
  uri_ = binding.wildcard ? "tcp://*:" + std::to_string(port_of(bound->address))
                          : uri_of(bound->address);
  return start(uri_);
}

sdk::Result<> Listener::open_unix(const Address& address) {
  auto bound =
      transport_kit::bind_unix(address, [this](int fd) { apply(options_, Scheme::unix, fd); });
  if (bound.has_error()) return bound.error();
  socket_ = std::move(bound->socket);
  path_ = std::move(bound->path);
  uri_ = uri_of(address);
  return start(uri_);
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
