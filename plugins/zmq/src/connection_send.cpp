// Sending: at once if libzmq takes it, else from the queue.
#include <trestle/transport_kit/send_queue.hpp>

#include <algorithm>
#include <utility>

#include "connection.hpp"

namespace trestle::zeromq {
namespace {

/// Large packets that libzmq has at a time. It counts messages, not bytes: what is more waits here,
/// where it is bounded in bytes and can be dropped.
constexpr std::size_t in_flight_bytes_max = 4 * 1024 * 1024;
/// What a queued packet counts beside its bytes.
constexpr std::size_t packet_overhead = sizeof(Parcel);

/// Of small segments a lent parcel would copy all, and yet be waited for.
bool can_lend(std::span<const tt_iov> segments) noexcept {
  return std::ranges::any_of(segments, [](const tt_iov& s) { return s.len > copy_bytes_max; });
}

}  // namespace

tt_status Connection::send(std::span<const tt_iov> segments, std::uint32_t flags,
                           std::uint64_t op) {
  if (segments.size() > segments_max) return TT_E_INVALID;
  const std::size_t bytes = transport_kit::gathered_bytes(segments);
  if (state_ > State::up) return TT_E_CLOSED;
  if (state_ != State::up || !has_room_in_queue(bytes)) {
    refused_bytes_ = bytes;
    was_refused_ = true;
    return TT_E_AGAIN;
  }
  if (bytes > peer_limit_) {
    begin_closing({Control::too_big, bytes}, TT_E_TOOBIG,
                  "a packet of " + std::to_string(bytes) +
                      " bytes; the limit of the other side is " + std::to_string(peer_limit_));
    return TT_E_TOOBIG;
  }
  const Sender sender{shared_.returned, number_};
  const bool lends = (flags & TT_SEND_COPY) == 0 && bytes >= borrow_bytes_min && can_lend(segments);
  if (!lends) return queue_or_send(Parcel::copied(segments, bytes, sender));
  ++lent_;
  return queue_or_send(Parcel::lent(segments, bytes, sender, op)) == TT_OK ? TT_PENDING
                                                                           : TT_E_RESET;
}

tt_status Connection::queue_or_send(Parcel parcel) {
  if (queue_.empty() && has_room_in_flight(parcel.bytes())) {
    if (pass_on(parcel) != Link::Sent::full) return TT_OK;
    // Gone is told by whoever watches the way; until then packets are lost, as on any dead link.
  }
  enqueue(std::move(parcel));
  return TT_OK;
}

bool Connection::has_room_in_flight(std::size_t bytes) const noexcept {
  return in_flight_bytes_ == 0 || bytes <= copy_bytes_max ||
         in_flight_bytes_ + bytes <= in_flight_bytes_max;
}

bool Connection::has_room_in_queue(std::size_t bytes) const noexcept {
  return queue_.empty() || queued_bytes_ + bytes + packet_overhead <= limits_.queue_bytes_max;
}

void Connection::enqueue(Parcel parcel) {
  queued_bytes_ += parcel.bytes() + packet_overhead;
  queue_.push_back(std::move(parcel));
  await_room();
}

/// Only what comes back makes room for the first of the queue; or that is over.
void Connection::await_room() {
  const bool waits = !queue_.empty() && !has_room_in_flight(queue_.front().bytes());
  if (std::exchange(waits_for_room_, waits) == waits) return;
  waits ? shared_.returned.begin_wait() : shared_.returned.end_wait();
}

Link::Sent Connection::pass_on(Parcel& parcel) {
  const std::size_t bytes = parcel.is_accounted() ? parcel.bytes() : 0;
  const Link::Sent sent = link_->send(parcel);
  if (sent == Link::Sent::yes) in_flight_bytes_ += bytes;
  return sent;
}

void Connection::send_queue() {
  while (!queue_.empty() && has_room_in_flight(queue_.front().bytes())) {
    if (pass_on(queue_.front()) == Link::Sent::full) break;
    queued_bytes_ -= queue_.front().bytes() + packet_overhead;
    queue_.pop_front();
  }
  await_room();
  tell_writable();
}

void Connection::on_room() {
  if (!queue_.empty() && is_alive()) send_queue();
}

void Connection::tell_writable() {
  if (!was_refused_ || state_ != State::up) return;
  const std::size_t low_water = limits_.queue_bytes_max / 2;
  if (!queue_.empty() && (queued_bytes_ > low_water || !has_room_in_queue(refused_bytes_))) return;
  was_refused_ = false;
  shared_.loop.tell(source(), TT_EV_WRITABLE);
}

void Connection::on_returned(const Block& block) {
  in_flight_bytes_ -= std::min(in_flight_bytes_, block.bytes);
  if (block.op) {
    const bool failed = state_ == State::ending;
    shared_.loop.tell(source(), TT_EV_SENT, failed ? end_status_ : TT_OK, *block.op);
    if (--lent_ == 0 && state_ == State::ending) return report_closed();
  }
  on_room();
}

}  // namespace trestle::zeromq
