// Connecting, watching the connection, reading and sending.
#include "dealer.hpp"

#include <sys/epoll.h>
#include <utility>

#include "zmq_error.hpp"

namespace trestle::zeromq {
namespace {

/// Messages read before others get their turn.
constexpr int messages_per_round = 64;
/// Bytes likewise.
constexpr std::size_t bytes_per_round = 1024 * 1024;
/// For the bye that answers a bye. libzmq sends it after the socket is closed; whoever does not
/// read it in this time sees the connection end.
constexpr int farewell_ms = 250;

constexpr int monitored = ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                          ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                          ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

}  // namespace

Dealer::Dealer(const Shared& shared, Connection& connection, const DealerPlan& plan)
    : shared_(shared),
      connection_(connection),
      shown_(plan.shown),
      with_keys_(plan.keys.has_value()),
      monitor_(shared.loop, [this](MonitorEvent event) { on_event(event); }) {}

sdk::Result<std::unique_ptr<Dealer>> Dealer::open(const Shared& shared, Context& context,
                                                  Connection& connection, const DealerPlan& plan) {
  std::unique_ptr<Dealer> dealer(new Dealer(shared, connection, plan));
  try {
    dealer->socket_ = zmq::socket_t(context.zmq(), zmq::socket_type::dealer);
    zmq::socket_t& socket = dealer->socket_;
    apply(plan.options, plan.scheme, plan.packet_bytes_max, socket);
    socket.set(zmq::sockopt::reconnect_ivl, -1);
    socket.set(zmq::sockopt::ipv6, 1);  // the endpoint is a literal
    if (plan.keys) apply(*plan.keys, socket);
    auto monitoring = dealer->monitor_.open(context.zmq(), socket, monitored);
    if (monitoring.has_error()) return monitoring.error();
    socket.connect(plan.endpoint);
    dealer->fd_ = socket.get(zmq::sockopt::fd);
  } catch (const zmq::error_t& failed) {
    return zmq_failure("cannot connect to " + plan.shown, failed.num());
  }
  const int error = shared.loop.watch(dealer->fd_, *dealer, EPOLLIN);
  if (error != 0) return zmq_failure("cannot watch a socket", error);
  shared.loop.enqueue(*dealer);
  return dealer;
}

Dealer::~Dealer() {
  hang_up(std::nullopt);
}

Link::Sent Dealer::send(Parcel& parcel) {
  if (!socket_) return Sent::gone;
  const auto frames = parcel.frames();
  Sent sent = Sent::yes;
  for (std::size_t i = 0; i < frames.size() && sent == Sent::yes; ++i) {
    const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    // The C call: a full pipe is no exception. Only the first frame can find it full.
    if (zmq_msg_send(frames[i].handle(), socket_.handle(), ZMQ_DONTWAIT | more) < 0) {
      sent = zmq_errno() == EAGAIN || zmq_errno() == EINTR ? Sent::full : Sent::gone;
    }
  }
  waits_for_room_ = sent == Sent::full;  // before the touch: it may find that there is room by now
  shared_.readiness.touch(*this);
  return sent;
}

void Dealer::hang_up(std::optional<Control> last) {
  if (!socket_) return;
  if (last == Control::bye) {
    socket_.set(zmq::sockopt::linger, farewell_ms);
    Parcel bye({Control::bye, 0});
    send(bye);
  }
  monitor_.close();
  shared_.readiness.forget(*this);
  shared_.loop.forget(*this);
  if (fd_ >= 0) shared_.loop.unwatch(std::exchange(fd_, -1));
  socket_.close();
}

bool Dealer::check_events() {
  if (!socket_) return false;
  const int events = socket_.get(zmq::sockopt::events);
  const int wanted = ZMQ_POLLIN | (waits_for_room_ ? ZMQ_POLLOUT : 0);
  if ((events & wanted) == 0) return false;
  if ((events & ZMQ_POLLIN) != 0) note_more();
  shared_.loop.enqueue(*this);
  return true;
}

/// Returns how many were there.
int Dealer::read_messages() {
  std::size_t bytes = 0;
  int messages = 0;
  while (socket_ && connection_.has_room()) {
    if (messages == messages_per_round || bytes > bytes_per_round) break;
    if (incoming_.read(socket_) == Incoming::Read::nothing) {
      on_drained(messages);
      return messages;
    }
    ++messages;
    bytes += incoming_.bytes();
    connection_.take(incoming_);
    incoming_.clear();
    if (socket_ && !expects_more(messages) && !waits_for_more_than_input()) {
      shared_.readiness.stop_early(*this);
      return messages;
    }
  }
  if (socket_) shared_.loop.enqueue(*this);
  return messages;
}

void Dealer::on_drained(int messages) {
  note_drained(messages);
  waits_for_room_ = false;
  connection_.on_room();
  if (socket_ && lost_) connection_.on_lost(lost_->code, lost_->text);
}

transport_kit::Pollable::Guess Dealer::guess() {
  if (!socket_ || waits_for_more_than_input()) return Guess::unsure;
  return read_messages() > 0 ? Guess::right : Guess::wrong;
}

void Dealer::give_up(tt_status status, const std::string& why) {
  if (lost_) return;
  lost_ = sdk::Error(status, "cannot connect to " + shown_ + ": " + why);
  shared_.loop.enqueue(*this);
}

void Dealer::on_event(MonitorEvent event) {
  switch (event.kind) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      handshaken_ = true;
      return;
    case ZMQ_EVENT_CLOSED:
      return give_up(TT_E_REFUSED, "nobody listens there, or it cannot be reached");
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      if (event.value == gate_closed_status) return give_up(TT_E_REFUSED, "nobody listens there");
      return give_up(TT_E_DENIED, "the listener does not let this client in (ZAP status " +
                                      std::to_string(event.value) + ")");
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      return give_up(with_keys_ ? TT_E_DENIED : TT_E_PROTOCOL,
                     with_keys_ ? "the CURVE handshake failed: is curve_serverkey right?"
                                : "no ZeroMQ listener, or one that asks for CURVE keys");
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      return give_up(with_keys_ ? TT_E_DENIED : TT_E_REFUSED,
                     with_keys_ ? "the listener hung up during the CURVE handshake: is "
                                  "curve_serverkey right, and this client in its curve_allow?"
                                : "the listener hung up during the handshake");
    case ZMQ_EVENT_DISCONNECTED:
      if (!handshaken_) return give_up(TT_E_REFUSED, "the connection ended in the handshake");
      if (!lost_) lost_ = sdk::Error(TT_E_RESET, "the connection to " + shown_ + " was lost");
      shared_.loop.enqueue(*this);
      return;
    default:
      return;
  }
}

}  // namespace trestle::zeromq
