// The life of a connection: greeting, coming up, closing.
#include "connection.hpp"

#include <algorithm>
#include <utility>

namespace trestle::zeromq {
namespace {

/// Packets above this are handed over as they are; smaller ones end with the round.
constexpr std::size_t held_bytes_min = copy_bytes_max;

std::span<const std::byte> bytes_of(const zmq::message_t& frame) {
  return {static_cast<const std::byte*>(frame.data()), frame.size()};
}

std::string limit_text(std::uint64_t bytes, std::uint64_t limit) {
  return "a packet of " + std::to_string(bytes) + " bytes; the limit is " + std::to_string(limit);
}

}  // namespace

Connection::Connection(const Shared& shared, std::uint64_t number)
    : shared_(shared), limits_(shared.limits), number_(number) {}

Connection::~Connection() {
  shared_.loop.forget(*this);
}

void Connection::greet(std::unique_ptr<Link> link, sdk::ConnectionInfo info,
                       std::chrono::nanoseconds timeout) {
  link_ = std::move(link);
  info_ = std::move(info);
  shared_.loop.set_deadline(*this, shared_.loop.host().now() + timeout);
  enqueue(Parcel({Control::hello, limits_.packet_bytes_max}));
  send_queue();
}

void Connection::welcome(std::unique_ptr<Link> link, sdk::ConnectionInfo info,
                         std::uint64_t peer_limit, std::uint64_t cookie) {
  link_ = std::move(link);
  info_ = std::move(info);
  peer_limit_ = peer_limit;
  enqueue(Parcel({Control::welcome, limits_.packet_bytes_max}));
  come_up(TT_EV_ACCEPTED, cookie);
  send_queue();
}

void Connection::come_up(std::uint16_t event_kind, std::uint64_t aux) {
  state_ = State::up;
  shared_.loop.set_deadline(*this, std::nullopt);
  shared_.loop.tell_up(source(), event_kind, aux);
  tell_writable();  // a send that came too early may now be tried again
}

void Connection::close(sdk::CloseMode mode) {
  if (!is_alive()) return;
  if (mode == sdk::CloseMode::abort || state_ == State::greeting) {
    return finish(TT_E_CLOSED, "closed by this side", Control::abort);
  }
  if (state_ == State::up) begin_closing({Control::bye, 0}, TT_E_CLOSED, "closed by this side");
}

void Connection::begin_closing(const ControlMessage& last, tt_status status, std::string why) {
  state_ = State::closing;
  was_refused_ = false;
  end_status_ = status;
  end_text_ = std::move(why);
  shared_.loop.set_deadline(*this, shared_.loop.host().now() + limits_.linger);
  enqueue(Parcel(last));
  send_queue();
}

void Connection::on_deadline() {
  if (state_ == State::greeting) {
    return finish(TT_E_TIMEDOUT, "cannot connect to " + info_.peer_uri + ": no answer in time",
                  Control::abort);
  }
  if (state_ == State::closing) {
    finish(end_status_, end_text_ + "; the other side did not confirm it within the linger time",
           Control::abort);
  }
}

void Connection::on_lost(tt_status status, const std::string& why) {
  if (!is_alive()) return;
  if (state_ == State::closing) return finish(end_status_, end_text_, std::nullopt);
  finish(status, why, std::nullopt);
}

void Connection::take(Incoming& message) {
  if (!is_alive()) return;
  if (!message.is_control()) return take_packet(message);
  const auto control = decode_control(bytes_of(message.frames()[1]));
  if (!control) {
    return finish(TT_E_PROTOCOL, "the other side sent an unknown control message", Control::abort);
  }
  take_control(*control);
}

void Connection::take_control(const ControlMessage& message) {
  switch (message.kind) {
    case Control::welcome:
      if (state_ != State::greeting) return;
      peer_limit_ = message.number;
      return come_up(TT_EV_CONNECTED, 0);
    case Control::bye:
      if (state_ == State::closing) return finish(end_status_, end_text_, std::nullopt);
      return finish(TT_E_CLOSED, "closed by the other side", Control::bye);
    case Control::abort:
      if (state_ == State::closing) return finish(end_status_, end_text_, std::nullopt);
      return finish(TT_E_RESET, "aborted by the other side", std::nullopt);
    case Control::too_big:
      return finish(TT_E_TOOBIG,
                    "the other side has " + limit_text(message.number, limits_.packet_bytes_max),
                    Control::abort);
    case Control::hello:
      return finish(TT_E_PROTOCOL, "the other side said hello in the middle", Control::abort);
    case Control::noop:
      return;
  }
}

void Connection::take_packet(Incoming& message) {
  if (state_ == State::greeting) {
    return finish(TT_E_PROTOCOL, "the other side sent a packet before its welcome", Control::abort);
  }
  if (state_ != State::up) return;  // closed by us: what comes may be dropped
  if (message.bytes() > limits_.packet_bytes_max) {
    return finish(TT_E_TOOBIG,
                  "the other side sent " + limit_text(message.bytes(), limits_.packet_bytes_max),
                  Control::abort);
  }
  tt_event event{};
  event.kind = TT_EV_PACKET;
  event.conn = handle();
  const bool waits = !has_room();
  const auto life = message.bytes() > held_bytes_min || waits ? LentPackets::Life::release
                                                              : LentPackets::Life::round;
  shared_.packets.lend(message.frames(), life, event);
  shared_.loop.emit(event, &user_);
}

void Connection::finish(tt_status status, std::string why, std::optional<Control> last) {
  state_ = State::ending;
  was_refused_ = false;
  end_status_ = status;
  end_text_ = std::move(why);
  shared_.loop.forget(*this);
  // What was lent comes back through ReturnedBlocks, in the order in which libzmq lets go of it.
  queue_.clear();
  queued_bytes_ = 0;
  await_room();
  if (link_ != nullptr) link_->hang_up(last);
  if (lent_ == 0) report_closed();
}

void Connection::report_closed() {
  state_ = State::closed;
  shared_.loop.tell_closed(source(), end_status_, std::move(end_text_));
}

}  // namespace trestle::zeromq
