// The life of a connection: dialling, coming up, closing.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <trestle/transport_kit/socket_error.hpp>
#include <trestle/transport_kit/stream_connection.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace trestle::transport_kit {
namespace {

using namespace std::chrono_literals;

/// A unix listener's queue was full; nothing announces room in it.
constexpr std::chrono::nanoseconds full_backlog_retry = 2ms;

constexpr PacketHeader goodbye = packet_header(goodbye_length);

int pending_error(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/// A port of the ephemeral range without a listener may be picked as the connection's own end.
bool is_own_peer(int fd) {
  const Address own = local_address(fd);
  return own.family() != AF_UNIX && own == peer_address(fd);
}

}  // namespace

StreamConnection::StreamConnection(StreamShared& shared, StreamPatience patience,
                                   PrepareSocket prepare)
    : shared_(shared),
      loop_(*shared.loop),
      patience_(patience),
      prepare_(std::move(prepare)),
      queue_(shared.queue_bytes_max),
      reader_(shared.memory.shared(), shared.memory.pool(), shared.packet_bytes_max, [this] {
        loop_.enqueue(*this);
        loop_.host().wake();
      }) {
  // Leaves with the first packet, or with the goodbye.
  queue_.push_constant(stream_preamble);
}

StreamConnection::~StreamConnection() {
  leave_trains();
  loop_.forget(*this);
}

void StreamConnection::give_up(const std::string& why) {
  if (state_ == State::waiting) finish(TT_E_UNREACHABLE, why);
}

void StreamConnection::await_addresses(std::string target) {
  target_ = std::move(target);
  dial_until_ = loop_.host().now() + patience_.connect;
  loop_.set_deadline(*this, dial_until_);
}

void StreamConnection::dial(std::string target, std::vector<Address> addresses) {
  if (state_ != State::waiting) return;
  if (target_.empty()) await_addresses(std::move(target));
  state_ = State::dialling;
  addresses_ = std::move(addresses);
  dial_next();
}

void StreamConnection::dial_next() {
  while (next_address_ < addresses_.size()) {
    if (dial_one(addresses_[next_address_])) return;
    ++next_address_;
  }
  const sdk::Error why = first_failure_.value_or(socket_error("no address", EADDRNOTAVAIL));
  finish(why.code, why.text);
}

/// False: this address is out of the question.
bool StreamConnection::dial_one(const Address& address) {
  const int family = address.family();
  socket_ = FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int error = socket_ ? 0 : errno;
  if (error == 0) {
    if (prepare_) prepare_(socket_.get());
    if (::connect(socket_.get(), address.data(), address.size()) == 0) {
      error = loop_.watch(socket_.get(), *this, interest_ = EPOLLIN);
      if (error == 0) {
        come_up(TT_EV_CONNECTED, 0);
        return true;
      }
    } else {
      error = errno;
    }
  }
  if (error == EINPROGRESS) error = loop_.watch(socket_.get(), *this, interest_ = EPOLLOUT);
  if (error == 0 || error == EAGAIN) {
    if (error == EAGAIN) socket_.reset();
    set_dial_deadline();
    return true;
  }
  socket_.reset();
  if (!first_failure_) first_failure_ = socket_error("cannot connect to " + target_, error);
  return false;
}

/// The time left is shared by the addresses left, so that a silent one does not use it up.
void StreamConnection::set_dial_deadline() {
  const auto now = loop_.host().now();
  const auto left = static_cast<std::int64_t>(addresses_.size() - next_address_);
  const auto share = (dial_until_ - now) / left;
  loop_.set_deadline(*this,
                     socket_ ? now + share : std::min(now + full_backlog_retry, dial_until_));
}

void StreamConnection::finish_dialling() {
  int error = pending_error(socket_.get());
  if (error == 0 && is_own_peer(socket_.get())) error = ECONNREFUSED;
  if (error == 0) {
    return come_up(TT_EV_CONNECTED, 0);
  }
  loop_.unwatch(socket_.get());
  socket_.reset();
  if (!first_failure_) first_failure_ = socket_error("cannot connect to " + target_, error);
  ++next_address_;
  dial_next();
}

void StreamConnection::accept(FileDescriptor socket, const Address& peer, void* listener_user) {
  socket_ = std::move(socket);
  target_ = shared_.name(peer);
  reader_.limit_first_packet(shared_.first_packet_bytes_max);
  if (prepare_) prepare_(socket_.get());
  const int error = loop_.watch(socket_.get(), *this, interest_ = EPOLLIN);
  come_up(TT_EV_ACCEPTED, reinterpret_cast<std::uintptr_t>(listener_user));
  if (error != 0) finish(status_of(error), "cannot watch the socket: " + reason_of(error));
}

void StreamConnection::come_up(std::uint16_t event_kind, std::uint64_t aux) {
  state_ = State::up;
  blocked_ = false;
  addresses_ = {};
  prepare_ = {};
  loop_.set_deadline(*this, std::nullopt);
  describe_ends();
  loop_.tell_up(source(), event_kind, aux);
  queue_drained();  // a send that came too early may now be tried again
}

void StreamConnection::describe_ends() {
  const Address own = local_address(socket_.get());
  info_.local_uri = shared_.name(own);
  info_.peer_uri = shared_.name(peer_address(socket_.get()));
  if (own.family() != AF_UNIX) return;
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  info_.peer_pid = peer.pid;
  info_.peer_uid = peer.uid;
}

void StreamConnection::close(sdk::CloseMode mode) {
  if (state_ == State::closed) return;
  if (mode == sdk::CloseMode::abort || state_ == State::waiting || state_ == State::dialling) {
    if (socket_) {
      // A reset, not an end of stream: the peer must not wait for more.
      const linger drop{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &drop, sizeof(drop));
    }
    return finish(TT_E_CLOSED, "closed by this side");
  }
  if (state_ != State::up) return;
  state_ = State::flushing;
  refused_bytes_ = 0;
  set_reading(sdk::Reading::resume);
  queue_.push_constant(goodbye);
  loop_.set_deadline(*this, loop_.host().now() + shared_.linger);
  if (write_errno_ == 0 && !blocked_) write_queue();
}

void StreamConnection::on_deadline() {
  switch (state_) {
    case State::waiting:
      return finish(TT_E_TIMEDOUT, "the host name of " + target_ + " was not found in time");
    case State::dialling:
      if (!socket_ && loop_.host().now() < dial_until_) return dial_next();
      if (socket_) loop_.unwatch(socket_.get());
      socket_.reset();
      if (!first_failure_) first_failure_ = socket_error("cannot connect to " + target_, ETIMEDOUT);
      ++next_address_;
      return dial_next();
    case State::flushing:
      return finish(TT_E_CLOSED, "closed by this side; " + std::to_string(queue_.bytes()) +
                                     " bytes were not taken within the linger time");
    case State::draining:
      return finish(TT_E_CLOSED, "closed by this side");
    case State::up:
      return check_progress();
    case State::closed:
      return;
  }
}

void StreamConnection::finish(tt_status status, std::string text) {
  state_ = State::closed;
  blocked_ = true;
  refused_bytes_ = 0;
  report_sent(queue_.drop(), status);
  loop_.forget(*this);
  if (socket_ && !hung_up_) loop_.unwatch(socket_.get());
  socket_.reset();
  loop_.tell_closed(source(), status, std::move(text));
}

void StreamConnection::on_ready(std::uint32_t epoll_events) {
  constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
  if ((epoll_events & (EPOLLIN | broken)) != 0) readable_ = true;
  if ((epoll_events & (EPOLLOUT | broken)) != 0) writable_ = true;
  if (paused_ && (epoll_events & broken) != 0) {
    // Cannot be masked, and nothing may be read now: it would be reported for ever.
    hung_up_ = true;
    loop_.unwatch(socket_.get());
  }
}

void StreamConnection::work() {
  if (state_ == State::dialling) {
    if (std::exchange(writable_, false)) finish_dialling();
    return;
  }
  if (std::exchange(writable_, false) && blocked_ && write_errno_ == 0 &&
      (state_ == State::up || state_ == State::flushing)) {
    blocked_ = false;
    write_queue();
  }
  if (state_ == State::up) receive_packets();
  if (state_ == State::flushing || state_ == State::draining) discard_input();
}

std::uint32_t StreamConnection::interest() const noexcept {
  if (state_ == State::dialling) return EPOLLOUT;
  std::uint32_t wanted = paused_ ? 0u : EPOLLIN;
  if (blocked_ && write_errno_ == 0 && !queue_.empty()) wanted |= EPOLLOUT;
  return wanted;
}

void StreamConnection::update_interest() noexcept {
  if (!socket_ || hung_up_) return;
  const std::uint32_t wanted = interest();
  if (wanted == std::exchange(interest_, wanted)) return;
  loop_.change(socket_.get(), *this, wanted);
}

void StreamConnection::set_reading(sdk::Reading reading) {
  paused_ = reading == sdk::Reading::pause;
  is_suspect_ = false;
  if (state_ == State::closed || state_ == State::waiting || state_ == State::dialling) return;
  if (!paused_) {
    if (std::exchange(hung_up_, false)) loop_.watch(socket_.get(), *this, interest_ = interest());
    // What was read before the pause is not in the kernel any more, so epoll says nothing of it.
    loop_.enqueue(*this);
    loop_.host().wake();
  }
  update_interest();
}

}  // namespace trestle::transport_kit
