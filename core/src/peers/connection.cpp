// The life of a connection: coming up, handshake, going down.
#include "peers/connection.hpp"

#include <algorithm>
#include <utility>

namespace trestle::peers {
namespace {

std::uint64_t mix(std::uint64_t value) noexcept {
  // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

}  // namespace

std::uint64_t message_origin(const InstanceId& sender, std::uint64_t incarnation,
                             std::uint32_t connection) noexcept {
  return mix(mix(mix(sender.high()) ^ sender.low()) ^ incarnation) ^ mix(connection);
}

Connection::Connection(engine::Engine& engine, ConnectionEvents& events,
                       const ConnectionLimits& limits, Opener opener, std::uint32_t number)
    : engine_(engine),
      events_(events),
      limits_(limits),
      opener_(opener),
      number_(number),
      limit_timer_(*this),
      calls_(std::make_unique<calls::CallTable>(limits.calls_max, *this)),
      outbox_(limits.unsent),
      share_(limits.turn),
      window_step_(
          static_cast<std::uint32_t>(limits.requests_max / 4 + (limits.requests_max % 4 != 0))) {
  const wire::Hello self = events_.own_hello(number_);
  own_origin_ = message_origin(self.instance, self.incarnation, number_);
}

Connection::~Connection() {
  engine_.cancel_timer(limit_timer_);
}

void Connection::attach(engine::Transport& transport, tt_conn* conn) {
  transport_ = &transport;
  conn_ = conn;
  outbox_.limit_segments(transport.attributes().max_iov);
  if (opener_ == Opener::peer) on_connected();
}

void Connection::attach_loopback(Connection& other, const PeerFacts& self) {
  loopback_ = other.weak_from_this();
  learn(self);
  state_ = State::open;
  was_open_ = true;
}

void Connection::learn(const PeerFacts& peer) {
  peer_ = peer;
  peer_origin_ = message_origin(peer.instance, peer.incarnation, peer.connection);
}

void Connection::limit_handshake(TimePoint deadline) {
  engine_.arm_timer(limit_timer_, deadline);
}

void Connection::allow_until(TimePoint deadline) {
  // One that waits to be dialled again has its own limit.
  const bool is_limited = state_ == State::starting && limit_timer_.is_armed() && !is_to_lost_peer;
  if (is_limited && limit_timer_.due() < deadline) limit_handshake(deadline);
}

void Connection::on_connected() {
  if (state_ != State::starting) return;
  state_ = State::handshaking;
  const TimePoint limit = engine_.time_after(limits_.handshake_timeout);
  dialler_gives_up_first_ = limit_timer_.is_armed() && limit_timer_.due() <= limit;
  if (!dialler_gives_up_first_) limit_handshake(limit);
  wire::Hello hello = events_.own_hello(number_);
  hello.features = own_features();
  offer_bulk(hello);
  if (auto added = outbox_.add_hello(hello); added.has_error()) {
    abort(added.error());
    return;
  }
  events_.on_output(*this);
}

void Connection::on_limit() {
  if (state_ == State::closing) {
    abort(*close_reason_);
    return;
  }
  if (state_ == State::starting) {
    abort(Error(Errc::deadline_exceeded, "not connected before the deadline"));
    return;
  }
  if (cut_off_) {
    abort(Error(Errc::connection_lost, "the transport takes nothing more, and does not say why"));
    return;
  }
  if (dialler_gives_up_first_) {
    abort(Error(Errc::deadline_exceeded, "no hello from the other side before the deadline"));
    return;
  }
  refuse(Error(Errc::handshake_failed,
               "no hello from the other side within handshake_timeout " +
                   std::to_string(limits_.handshake_timeout.count() / 1'000'000) + " ms"));
}

void Connection::became_open() {
  engine_.cancel_timer(limit_timer_);
  state_ = State::open;
  was_open_ = true;
  send_waiting();
  events_.on_open(*this);
}

void Connection::send_waiting() {
  send_deferred();
  for (const wire::CallId id : std::exchange(deferred_pings_, {})) {
    if (calls::PendingCall* call = calls_->find(id)) queue_ping(*call);
  }
}

void Connection::hold(const wire::PacketView& packet) {
  std::size_t bytes = packet.first.size();
  for (const BytesView piece : packet.more) bytes += piece.size();
  if (!held_packets_.empty() && held_bytes_ + bytes > limits_.newcomer_bytes_max) {
    return refuse(
        Error(Errc::overloaded, "sent " + std::to_string(held_bytes_ + bytes) +
                                    " bytes before it was admitted, newcomer_bytes_max is " +
                                    std::to_string(limits_.newcomer_bytes_max)));
  }
  held_bytes_ += bytes;
  auto whole = std::make_unique_for_overwrite<std::byte[]>(bytes);
  std::byte* end = std::ranges::copy(packet.first, whole.get()).out;
  for (const BytesView piece : packet.more) end = std::ranges::copy(piece, end).out;
  held_packets_.push_back(Payload::take(std::move(whole), bytes));
}

void Connection::admit_held() {
  if (!std::exchange(is_held_back_, false)) return;
  held_bytes_ = 0;
  for (const Payload& packet : std::exchange(held_packets_, {})) {
    engine::PacketSource copied;
    on_packet(packet.view(), copied);
  }
}

void Connection::refuse_held(const Error& why) {
  if (!std::exchange(is_held_back_, false)) return;
  held_packets_.clear();
  if (!is_closing()) refuse(why);
}

void Connection::on_sent(std::uint64_t op, tt_status) {
  outbox_.on_sent(op, events_.spent_payloads());
}

void Connection::on_writable() {
  outbox_.unblock();
  flush();
}

tt_status Connection::send_packet(std::span<const tt_iov> segments, std::uint32_t flags,
                                  std::uint64_t op) {
  if (transport_ != nullptr) return transport_->send(conn_, segments, flags, op);
  const auto other = loopback_.lock();
  if (other == nullptr) return TT_E_CLOSED;
  std::size_t size = 0;
  for (const tt_iov& segment : segments) size += segment.len;
  if (!events_.has_loopback_room(*this, size)) return TT_E_AGAIN;
  auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
  std::byte* at = buffer.get();
  for (const tt_iov& segment : segments) {
    at = std::copy_n(static_cast<const std::byte*>(segment.base), segment.len, at);
  }
  events_.on_loopback(*other, Payload::take(std::move(buffer), size));
  return TT_OK;
}

void Connection::flush(Outbox::Extent extent) {
  // After hanging up the transport lingers by itself; more would be refused.
  if (state_ == State::starting || state_ == State::closed || hung_up_ || cut_off_) return;
  gathering.on_flush();
  const tt_status status = outbox_.flush(*this, events_.spent_payloads(), extent);
  if (status >= 0) {
    if (state_ == State::closing && outbox_.is_empty() && !has_leases()) hang_up(0);
    if (!blocked_.empty() && !is_closing()) admit_blocked();
    return;
  }
  const bool gone = status == TT_E_CLOSED || status == TT_E_RESET;
  if (gone && state_ != State::closing) {
    // The peer is gone, but what it sent before may still be on its way here. The transport says
    // when that was all; the limit only makes sure that it ends.
    cut_off_ = true;
    engine_.arm_timer(limit_timer_, engine_.time_after(limits_.close_timeout));
    return;
  }
  abort(Error(engine::errc_of(status),
              "the transport refused to send, status " + std::to_string(status)));
}

void Connection::refuse(const Error& error) {
  send_goodbye(static_cast<Errc>(error.code.value()), error.text);
  const bool greeted = was_open_;
  close(error);
  if (greeted) return;
  // Saying goodbye may take the peer's time; nobody here needs to wait for that.
  events_.on_refused(*this, error);
  end_requests(error);
}

void Connection::close(const Error& why) {
  if (is_closing()) return;
  flush();
  if (is_closing()) return;  // flushing failed
  state_ = State::closing;
  close_reason_ = why;
  // A peer that hangs is no other one than before.
  by_choice_ = !why.is(Errc::handshake_failed);
  end_blocked(Error(static_cast<Errc>(why.code.value()), why.text, Ran::no));
  if ((outbox_.is_empty() && !has_leases()) || transport_ == nullptr || cut_off_) {
    hang_up(0);
  } else {
    // The rest leaves as the transport takes it, for a bounded time.
    engine_.arm_timer(limit_timer_, engine_.time_after(limits_.close_timeout));
  }
}

void Connection::abort(const Error& why) {
  if (state_ == State::closed) return;
  if (!close_reason_) close_reason_ = why;
  state_ = State::closing;
  aborted_ = true;
  hang_up(TT_CLOSE_ABORT);
}

void Connection::fail(const Error& why) {
  if (is_closing()) return;
  const auto keep_alive = shared_from_this();
  abort(why);
  end_requests(why);
}

void Connection::evict(const Error& why) {
  by_choice_ = true;
  abort(why);
}

void Connection::hang_up(std::uint32_t flags) {
  hung_up_ = true;
  engine_.cancel_timer(limit_timer_);
  if (transport_ != nullptr && !end_) {
    transport_->close(conn_, flags);
  } else {
    finish(*close_reason_);
  }
}

void Connection::on_closed(tt_status status, std::string_view text) {
  if (!inbox_.empty() && !is_closing()) {
    // What came before is still to be read. The transport's end of it is gone.
    end_ = {status, std::string(text)};
    conn_ = nullptr;
    cut_off_ = true;
    return;
  }
  left_in_order_ = close_reason_ && !aborted_ && status == TT_E_CLOSED;
  if (close_reason_) return finish(*close_reason_);
  by_choice_ = status == TT_E_CLOSED || status == TT_E_PROTOCOL || status == TT_E_TOOBIG;
  if (goodbye_) return finish(*goodbye_);
  std::string what(text.empty() ? std::string_view("the other side closed the connection") : text);
  const Error why(engine::errc_of(status), what);
  // The transport itself found bytes that its protocol does not allow, or too many of them.
  if (status == TT_E_PROTOCOL || status == TT_E_TOOBIG) events_.on_protocol_error(*this, why);
  if (state_ == State::handshaking) {
    return finish(Error(Errc::handshake_failed, "the connection ended before the hello: " + what));
  }
  finish(why);
}

Errc Connection::code_of_end(const Error& why) const noexcept {
  return was_up() ? Errc::connection_lost : static_cast<Errc>(why.code.value());
}

void Connection::end_sent(const Error& why) {
  // A node says so when it has answered all that it took: what is left was never taken.
  const bool was_drained = goodbye_ && goodbye_->is(Errc::shut_down);
  calls_->for_each([&](calls::PendingCall& call) {
    if (call.frame == 0) return;
    const bool left = outbox_.has_left(call.frame);
    // Requests that were packed and have not left are the heir's, if there is one.
    if (!left && call.awaits != calls::Awaits::pong) return;
    const Ran ran = left && !was_drained ? Ran::maybe : Ran::no;
    release(call, Error(code_of_end(why), why.text, ran));
  });
}

void Connection::end_requests(const Error& why) {
  end_sent(why);
  Error told = why;
  const bool has_heir =
      !std::exchange(asked_for_heir_, true) && events_.find_successor(*this, told);
  if (!has_heir) end_calls(told);
}

void Connection::end_calls(const Error& why) {
  const Errc code = code_of_end(why);
  end_sent(why);
  calls_->for_each(
      [&](calls::PendingCall& call) { release(call, Error(code, why.text, Ran::no)); });
  Losses lost;
  for (DeferredRequest& request : deferred_) {
    if (request.run) {
      lost.unsent += request.run->size();
      continue;
    }
    const std::size_t payload_bytes = request.request.argument.payload.size();
    dispose_of(request.request.argument.payload);
    if (!request.is_forgotten && request.call.expects_outcome()) continue;
    ++lost.unsent;
    if (limits_.notes == MessageNotes::each) lost.notes.push_back({request.handler, payload_bytes});
  }
  if (lost.unsent != 0) events_.on_messages_lost(*this, Error(code, why.text), lost);
  deferred_calls_.clear();
  deferred_.clear();
  end_blocked(Error(code, why.text, Ran::no));
}

void Connection::end_blocked(const Error& why) {
  for (BlockedSend* send : std::exchange(blocked_, {})) events_.on_admitted(*send, why);
}

void Connection::finish(const Error& why) {
  if (state_ == State::closed) return;
  const auto keep_alive = shared_from_this();
  state_ = State::closed;
  conn_ = nullptr;
  inbox_.clear();
  if (bulk_ != nullptr) bulk_->pulls.clear();
  engine_.cancel_timer(limit_timer_);
  end_requests(why);
  report_losses(why);
  // A handler that answers late holds the connection; what it sent and learned need not stay.
  outbox_.clear(events_.spent_payloads());
  drop_leases(events_.spent_payloads());
  names_sent_.clear();
  // Messages that wait or run name the handlers in it.
  events_.bury(std::make_shared<NamesReceived>(std::exchange(names_received_, {})));
  for (auto& message : running()) events_.on_caller_lost(std::move(message));
  running_ = {};
  if (const auto other = loopback_.lock()) other->finish(why);
  events_.on_closed(*this, why);
}

void Connection::report_losses(const Error& why) {
  const std::size_t unsent = outbox_.unsent_messages();
  const std::size_t left = in_doubt_ - std::min(unsent, in_doubt_);
  // Without a window the peer never says what is done. What a node sends itself is not lost.
  const bool is_known = left_in_order_ || peer_.window == 0 || transport_ == nullptr;
  Losses lost{.unsent = unsent, .in_doubt = is_known ? 0 : left};
  if (lost.unsent + lost.in_doubt == 0) return;
  // Those that left are the earlier ones.
  const std::size_t noted = std::min(lost.unsent + lost.in_doubt, notes_.size());
  lost.notes.assign(notes_.end() - static_cast<std::ptrdiff_t>(noted), notes_.end());
  events_.on_messages_lost(*this, Error(code_of_end(why), why.text), lost);
}

void Connection::count_done(std::size_t messages) {
  const std::size_t done = std::min(messages, in_doubt_);
  in_doubt_ -= done;
  const std::size_t noted = std::min(done, notes_.size());
  notes_.erase(notes_.begin(), notes_.begin() + static_cast<std::ptrdiff_t>(noted));
}

void Connection::forsake(const Error& why) {
  std::vector<Payload> unsent;
  outbox_.clear(unsent);
  drop_leases(unsent);
  if (transport_ != nullptr) transport_->keep(std::move(unsent));
  if (!close_reason_) close_reason_ = why;
  finish(*close_reason_);
}

FrameNumber Connection::send_heartbeat() {
  const FrameNumber frame = outbox_.add(wire::Ping{heartbeat_cookie});
  events_.on_output(*this);
  return frame;
}

std::uint64_t Connection::bytes_received() const noexcept {
  return conn_ != nullptr ? transport_->bytes_received(conn_) : 0;
}

void Connection::retire() {
  if (retiring_ || !is_open()) return;
  retiring_ = true;
  go_on_retiring();
}

void Connection::go_on_retiring() {
  if (!retiring_ || !is_open() || calls_->size() != 0 || has_requests_waiting()) return;
  // Having no call left is what goodbye says here. The opener closes when both have said so.
  if (!said_goodbye_) {
    send_goodbye(Errc::duplicate_connection, "another connection to the same peer is in use");
  }
  if (goodbye_ && opener_ == Opener::us) {
    close(Error(Errc::duplicate_connection, "another connection to the same peer is in use"));
  }
}

void Connection::give_up_on_peer(const Error& why) {
  events_.on_protocol_error(*this, why);
  evict(why);
}

bool Connection::violated(const Error& error) {
  events_.on_protocol_error(*this, error);
  refuse(error);
  return false;
}

}  // namespace trestle::peers
