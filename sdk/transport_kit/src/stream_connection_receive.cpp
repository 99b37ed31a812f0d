// Receiving: packets out of the stream, until the room, the budget or the bytes run out.
#include <sys/socket.h>
#include <trestle/transport_kit/socket_error.hpp>
#include <trestle/transport_kit/socket_io.hpp>
#include <trestle/transport_kit/stream_connection.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace trestle::transport_kit {
namespace {

/// Bytes read from one connection before others get their turn.
constexpr std::size_t read_bytes_per_round = 512 * 1024;

/// Of a packet, within each stall_timeout. A peer that sends a byte now and then holds its memory
/// all the same.
constexpr std::uint64_t progress_bytes_min = 64 * 1024;

}  // namespace

void StreamConnection::receive_packets() {
  had_input_ = false;
  take_packets();
  if (state_ != State::up) return;
  reader_.settle();
  if (!is_watched_ && reader_.is_unfinished()) watch_progress();
}

/// Looked at seldom, not after each read: a timer costs more than a packet.
void StreamConnection::watch_progress() {
  if (patience_.stall.count() == 0) return;
  is_watched_ = true;
  is_suspect_ = false;
  bytes_seen_ = reader_.bytes_received();
  packets_seen_ = reader_.packets_received();
  loop_.set_deadline(*this, loop_.host().now() + patience_.stall);
}

void StreamConnection::check_progress() {
  is_watched_ = false;
  if (!reader_.is_unfinished()) return;
  const std::uint64_t came = reader_.bytes_received() - bytes_seen_;
  const bool goes_on = came >= progress_bytes_min || reader_.packets_received() != packets_seen_;
  if (goes_on || paused_) return watch_progress();
  if (!std::exchange(is_suspect_, true)) {
    // Perhaps it was us who stood still: what has come meanwhile is read before this is judged.
    is_watched_ = true;
    loop_.set_deadline(*this, loop_.host().now() + patience_.stall / 8);
    return;
  }
  finish(TT_E_RESET, "the peer began a packet and does not go on with it: " + std::to_string(came) +
                         " bytes came within stall_timeout, at least " +
                         std::to_string(progress_bytes_min) + " or its end are expected");
}

void StreamConnection::take_packets() {
  std::size_t budget = read_bytes_per_round;
  while (!paused_ && loop_.events().has_room(handle())) {
    StreamReader::Step step = reader_.next();
    switch (step.outcome) {
      case StreamReader::Outcome::packet:
        deliver(std::move(step));
        continue;
      case StreamReader::Outcome::goodbye:
        return finish(TT_E_CLOSED, "closed by the peer");
      case StreamReader::Outcome::failed:
        return finish(reader_.error().code, reader_.error().text);
      case StreamReader::Outcome::need_more:
        break;
    }
    if (!readable_) return;
    if (budget == 0) break;
    const Received received = receive(budget);
    if (received == Received::no_room) break;
    if (received != Received::some) return;
  }
  if (!paused_) loop_.enqueue(*this);
}

Pollable::Guess StreamConnection::guess() {
  // A blocked connection waits for more than input, which only epoll knows of.
  if (state_ != State::up || paused_ || blocked_) return Guess::unsure;
  readable_ = true;
  receive_packets();
  return had_input_ ? Guess::right : Guess::wrong;
}

void StreamConnection::deliver(StreamReader::Step step) {
  tt_event event{};
  event.kind = TT_EV_PACKET;
  event.conn = handle();
  event.data = step.bytes.data();
  event.len = step.bytes.size();
  if (step.held != nullptr) event.rx = shared_.memory.pool().lend(std::move(step.held));
  loop_.emit(event, &user_);
}

/// One read into the reader's memory; `no_room`: there is none in this round.
StreamConnection::Received StreamConnection::receive(std::size_t& budget) {
  const auto space = reader_.space();
  const std::size_t room = space[0].size() + space[1].size();
  if (room == 0) return Received::no_room;
  const ssize_t count = read_some(socket_.get(), space);
  if (count > 0) {
    const auto bytes = static_cast<std::size_t>(count);
    reader_.commit(bytes);
    bytes_received_ += bytes;
    budget -= std::min(budget, bytes);
    had_input_ = true;
    if (bytes < room) readable_ = false;  // drained: saves the call that would say EAGAIN
    return Received::some;
  }
  readable_ = false;
  if (count < 0 && errno == EAGAIN) return Received::nothing;
  had_input_ = true;
  lost(count < 0 ? errno : 0);
  return Received::ended;
}

/// The stream ended without a goodbye. `os_errno` 0: by an end of stream.
void StreamConnection::lost(int os_errno) {
  const int why = os_errno != 0 ? os_errno : write_errno_;
  if (why == 0) {
    return finish(TT_E_RESET, "the peer's stream ended without a goodbye: was it killed?");
  }
  const tt_status status = status_of(why);
  finish(status == TT_E_FAILED ? TT_E_RESET : status, "the connection was lost: " + reason_of(why));
}

/// After our close only the end of the peer's stream is of interest.
void StreamConnection::discard_input() {
  if (!readable_) return;
  std::array<std::byte, 16 * 1024> scratch;
  std::size_t budget = read_bytes_per_round;
  ssize_t count = 0;
  do {
    count = ::recv(socket_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    budget -= scratch.size();
  } while (count > 0 && budget > 0);
  if (count > 0) return loop_.enqueue(*this);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    readable_ = false;
    return;
  }
  constexpr std::size_t farewell_bytes = stream_preamble.size() + sizeof(PacketHeader);
  if (queue_.bytes() <= farewell_bytes) return finish(TT_E_CLOSED, "closed by this side");
  finish(TT_E_RESET,
         "the connection was lost with " + std::to_string(queue_.bytes()) +
             " bytes unsent: " + (count < 0 ? reason_of(errno) : "the peer ended its stream"));
}

}  // namespace trestle::transport_kit
