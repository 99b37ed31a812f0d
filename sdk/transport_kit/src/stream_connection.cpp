// From a connected socket to CLOSED.
#include <sys/epoll.h>
#include <trestle/transport_kit/socket_error.hpp>
#include <trestle/transport_kit/socket_io.hpp>
#include <trestle/transport_kit/stream_connection.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace trestle::transport_kit {
namespace {

/// Before others get their turn.
constexpr int reads_per_turn = 4;
constexpr int writes_per_turn = 8;

constexpr PacketHeader goodbye = packet_header(goodbye_length);

tt_event make_event(std::uint16_t kind) {
  tt_event event{};
  event.kind = kind;
  return event;
}

}  // namespace

StreamConnection::StreamConnection(StreamShared& shared, std::string its_peer, void* cookie)
    : peer_uri(std::move(its_peer)),
      user(cookie),
      shared_(shared),
      reader_(shared.reads, shared.pool, shared.packet_bytes_max,
              [this] {
                shared_.loop->enqueue(*this);
                shared_.loop->host().wake();
              }),
      queue_(shared.queue_bytes_max) {}

void StreamConnection::accept(FileDescriptor socket, void* listener_user) {
  tt_event event = make_event(TT_EV_ACCEPTED);
  event.aux = reinterpret_cast<std::uintptr_t>(listener_user);
  start(std::move(socket), event);
}

void StreamConnection::connect(FileDescriptor socket) {
  start(std::move(socket), make_event(TT_EV_CONNECTED));
}

void StreamConnection::start(FileDescriptor socket, const tt_event& first) {
  socket_ = std::move(socket);
  emit(first);
  interest_ = EPOLLIN;
  if (const int error = shared_.loop->watch(socket_.get(), *this, interest_); error != 0) {
    return finish(status_of(error), "cannot watch the connection: " + reason_of(error));
  }
  queue_.push_constant(stream_preamble);
  write();
}

tt_status StreamConnection::send(std::span<const tt_iov> segments) {
  if (state_ != State::up) return TT_E_CLOSED;
  if (segments.size() > segments_max) return TT_E_INVALID;
  const std::size_t payload = gathered_bytes(segments);
  if (payload > framed_packet_bytes_max) return TT_E_TOOBIG;
  const PacketHeader header = packet_header(static_cast<std::uint32_t>(payload));
  const std::size_t bytes = header.size() + payload;
  if (!queue_.accepts(bytes)) {
    refused_bytes_ = bytes;
    return TT_E_AGAIN;
  }
  std::array<tt_iov, segments_max + 1> framed{{{header.data(), header.size()}}};
  std::copy(segments.begin(), segments.end(), framed.begin() + 1);
  const bool idle = queue_.empty();
  queue_.push_copied(std::span(framed).first(segments.size() + 1));
  if (idle) write();
  return TT_OK;
}

void StreamConnection::close(sdk::CloseMode mode) {
  if (state_ == State::closed) return;
  if (mode == sdk::CloseMode::abort) return finish(TT_E_CLOSED, "aborted by this side");
  if (state_ == State::closing) return;
  state_ = State::closing;
  shared_.loop->set_deadline(*this, shared_.loop->host().now() + shared_.linger);
  queue_.push_constant(goodbye);
  write();
}

void StreamConnection::finish(tt_status why, std::string text) {
  state_ = State::closed;
  // A process that forked holds the socket open, too: closing it alone might leave it watched.
  if (socket_) shared_.loop->unwatch(socket_.get());
  socket_.reset();
  queue_.drop();
  shared_.loop->forget(*this);
  tt_event event = make_event(TT_EV_CLOSED);
  event.status = why;
  emit(event, std::move(text));
}

void StreamConnection::on_deadline() {
  finish(TT_E_CLOSED, "closed by this side with " + std::to_string(queue_.bytes()) +
                          " bytes unsent, after the linger time");
}

void StreamConnection::work() {
  if (!queue_.empty()) write();
  if (state_ == State::up) read();
}

void StreamConnection::write() {
  for (int left = writes_per_turn; left > 0 && !queue_.empty(); --left) {
    std::array<tt_iov, 64> parts;
    const ssize_t count = write_some(socket_.get(), std::span(parts).first(queue_.gather(parts)));
    if (count < 0 && errno == EAGAIN) break;
    if (count >= 0) {
      queue_.consume(static_cast<std::size_t>(count));
    } else {
      queue_.drop();  // the peer is gone; what it said before is still to be read
    }
  }
  if (refused_bytes_ > 0 && queue_.accepts(std::max(refused_bytes_, queue_.low_water()))) {
    refused_bytes_ = 0;
    emit(make_event(TT_EV_WRITABLE));
  }
  if (state_ == State::closing && queue_.empty()) {
    return finish(TT_E_CLOSED, "closed by this side");
  }
  const std::uint32_t interest =
      (state_ == State::up ? EPOLLIN : 0u) | (queue_.empty() ? 0u : EPOLLOUT);
  if (std::exchange(interest_, interest) != interest) {
    shared_.loop->change(socket_.get(), *this, interest);
  }
}

void StreamConnection::read() {
  int reads_left = reads_per_turn;
  while (state_ == State::up && shared_.loop->events().has_room(handle())) {
    StreamReader::Step step = reader_.next();
    if (step.outcome != StreamReader::Outcome::need_more) {
      take_packet(std::move(step));
    } else if (reads_left-- == 0) {
      break;
    } else if (!fill_reader()) {
      return reader_.settle();
    }
  }
  reader_.settle();
  if (state_ == State::up) shared_.loop->enqueue(*this);
}

void StreamConnection::take_packet(StreamReader::Step step) {
  if (step.outcome == StreamReader::Outcome::goodbye) {
    return finish(TT_E_CLOSED, "closed by the peer");
  }
  if (step.outcome == StreamReader::Outcome::failed) {
    return finish(reader_.error().code, reader_.error().text);
  }
  tt_event event = make_event(TT_EV_PACKET);
  event.data = step.bytes.data();
  event.len = step.bytes.size();
  if (step.held != nullptr) event.rx = shared_.pool.lend(std::move(step.held));
  emit(event);
}

/// False: nothing more for now; epoll reports what comes.
bool StreamConnection::fill_reader() {
  const auto space = reader_.space();
  if (space[0].empty()) return false;  // the round's memory is used up, not the socket
  const ssize_t count = read_some(socket_.get(), space);
  if (count > 0) {
    reader_.commit(static_cast<std::size_t>(count));
    return true;
  }
  if (count < 0 && errno == EAGAIN) return false;
  finish(TT_E_RESET, count == 0 ? "the peer's stream ended without a goodbye: was it killed?"
                                : "the connection was lost: " + reason_of(errno));
  return false;
}

void StreamConnection::emit(tt_event event, std::string text) {
  event.conn = handle();
  shared_.loop->emit(event, &user, std::move(text));
}

}  // namespace trestle::transport_kit
