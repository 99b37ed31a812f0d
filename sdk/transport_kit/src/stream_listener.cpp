// Accepting.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <trestle/transport_kit/socket_error.hpp>
#include <trestle/transport_kit/stream_listener.hpp>

#include <cerrno>
#include <chrono>
#include <utility>

namespace trestle::transport_kit {
namespace {

/// Until a process that ran out of descriptors or memory tries to accept again.
constexpr std::chrono::nanoseconds accept_pause = std::chrono::milliseconds(100);
/// Connections accepted before others get their turn.
constexpr int accepts_per_round = 64;

bool is_exhaustion(int os_errno) {
  return os_errno == EMFILE || os_errno == ENFILE || os_errno == ENOBUFS || os_errno == ENOMEM;
}

}  // namespace

sdk::Result<> StreamListener::start(FileDescriptor socket, std::string uri, OnAccept on_accept) {
  if (::listen(socket.get(), SOMAXCONN) != 0) {
    return socket_error("cannot listen on " + uri, errno);
  }
  const int error = loop_.watch(socket.get(), *this, EPOLLIN);
  if (error != 0) return socket_error("cannot watch " + uri, error);
  socket_ = std::move(socket);
  uri_ = std::move(uri);
  on_accept_ = std::move(on_accept);
  return {};
}

void StreamListener::close() {
  if (!socket_) return;
  loop_.forget(*this);
  loop_.unwatch(socket_.get());
  socket_.reset();
  loop_.tell_unlistened(user_);
}

void StreamListener::work() {
  for (int left = accepts_per_round; left > 0 && socket_; --left) {
    if (loop_.events().room() == 0) return loop_.enqueue(*this);
    if (!accept_one()) return;
  }
  loop_.enqueue(*this);
}

/// False: there is nothing more to accept now.
bool StreamListener::accept_one() {
  SocketAddress peer;
  FileDescriptor socket(peer.fill([&](sockaddr* data, socklen_t* size) {
    return ::accept4(socket_.get(), data, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }));
  if (socket) {
    on_accept_(std::move(socket), peer);
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
void StreamListener::back_off(int os_errno) {
  loop_.host().log(TT_LOG_WARN, uri_ + ": cannot accept for now: " + reason_of(os_errno));
  loop_.unwatch(socket_.get());
  loop_.set_deadline(*this, loop_.host().now() + accept_pause);
}

void StreamListener::on_deadline() {
  if (socket_ && loop_.watch(socket_.get(), *this, EPOLLIN) != 0) {
    loop_.set_deadline(*this, loop_.host().now() + accept_pause);
  }
}

}  // namespace trestle::transport_kit
