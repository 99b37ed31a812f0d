// Sending: at once if that is possible, else from the queue, within the other side's credits.
#include <rdma/fi_errno.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "connection.hpp"

namespace trestle::ofi {
namespace {

/// What a packet takes in the queue beside its bytes, so that empty ones are bounded, too.
constexpr std::size_t parcel_cost = 64;
/// Packets up to this size are injected, if the provider takes as many bytes.
constexpr std::size_t inject_bytes_max = 512;

std::size_t total_of(std::span<const tt_iov> segments) {
  return std::accumulate(segments.begin(), segments.end(), std::size_t{0},
                         [](std::size_t sum, const tt_iov& one) { return sum + one.len; });
}

}  // namespace

tt_status Connection::send(std::span<const tt_iov> segments, std::uint32_t flags,
                           std::uint64_t op) {
  if (segments.size() > segments_max) return TT_E_INVALID;
  if (state_ > State::up) return TT_E_CLOSED;
  const std::size_t bytes = total_of(segments);
  if (peer_ended_) return TT_E_RESET;
  if (state_ != State::up) {
    refused_bytes_ = bytes + parcel_cost;
    return TT_E_AGAIN;
  }
  if (first_unposted_ == parcels_.size() && refused_bytes_ == 0) {
    if (const auto answer = inject_now(segments, bytes)) return *answer;
  }
  return queue(segments, bytes, flags, op);
}

/// Small packets that nothing is in front of. Empty: it has to be queued.
std::optional<tt_status> Connection::inject_now(std::span<const tt_iov> segments,
                                                std::size_t bytes) {
  const std::size_t most = std::min(inject_bytes_max, sender_->limits().inject_bytes);
  if (bytes > most || bytes > sender_->peer_slot_bytes() || !sender_->may_send_packets() ||
      sender_->is_granted()) {
    return std::nullopt;
  }
  std::array<std::byte, inject_bytes_max> flat;
  std::span<const std::byte> payload(flat.data(), bytes);
  if (segments.size() == 1) {
    payload = {static_cast<const std::byte*>(segments[0].base), bytes};
  } else {
    std::byte* end = flat.data();
    for (const tt_iov& segment : segments) {
      end = std::copy_n(static_cast<const std::byte*>(segment.base), segment.len, end);
    }
  }
  switch (sender_->inject(MessageKind::packet, payload)) {
    case MessageSender::Outcome::sent:
      return TT_OK;
    case MessageSender::Outcome::full:
      return std::nullopt;
    case MessageSender::Outcome::broken:
      break;
  }
  went(MessageSender::Outcome::broken);
  return TT_E_RESET;
}

bool Connection::accepts(std::size_t bytes) const noexcept {
  return queued_bytes_ == 0 || queued_bytes_ + bytes <= shared_.limits.queue_bytes_max;
}

tt_status Connection::queue(std::span<const tt_iov> segments, std::size_t bytes,
                            std::uint32_t flags, std::uint64_t op) {
  const std::size_t cost = bytes + parcel_cost;
  // Who was refused is told when it makes sense to try again, and not before.
  if (refused_bytes_ > 0 || !accepts(cost)) {
    refused_bytes_ = std::max(refused_bytes_, cost);
    return TT_E_AGAIN;
  }
  // One message of more pieces than the provider takes is copied, whatever the host allows.
  const bool in_one = bytes <= sender_->peer_slot_bytes();
  const bool copied = (flags & TT_SEND_COPY) != 0 || bytes <= copy_bytes_max ||
                      (in_one && segments.size() > sender_->limits().segments);
  MessageMemory& memory = device_->memory();
  auto parcel =
      copied ? Parcel::copy(segments, bytes, memory) : Parcel::borrow(segments, bytes, op, memory);
  if (parcel.has_error()) {
    shared_.loop.host().log(TT_LOG_WARN, info_.peer_uri + ": " + parcel.error().text);
    return parcel.error().code;
  }
  queued_bytes_ += cost;
  parcels_.push_back(std::move(*parcel));
  send_queue();
  return copied ? TT_OK : TT_PENDING;
}

/// As much as credits and provider allow. Must not end the connection: see `went`.
void Connection::send_queue() {
  if (state_ != State::up && state_ != State::flushing) return;
  if (!parcels_.empty()) {
    send_packets();
    retire_parcels();
  }
  send_control();
  send_fence();
  if (state_ != State::flushing || first_unposted_ < parcels_.size()) return;
  if (!sender_->may_send_control() || !went(sender_->inject(MessageKind::goodbye, {}))) return;
  state_ = State::draining;
}

void Connection::send_packets() {
  while (first_unposted_ < parcels_.size() && sender_->may_send_packets() && !peer_ended_) {
    Parcel& parcel = parcels_[first_unposted_];
    if (!send_message(parcel)) return;
    if (parcel.is_posted()) ++first_unposted_;
  }
}

/// The next message of a parcel. False: not now.
bool Connection::send_message(Parcel& parcel) {
  if (parcel.was_announced()) return send_part(parcel);
  if (parcel.bytes() <= sender_->peer_slot_bytes()) return send_whole(parcel);
  const SendLimits& limits = sender_->limits();
  if (parcel.pieces() <= limits.segments && parcel.bytes() <= limits.message_bytes) {
    const auto between = sender_->messages_before_room(parcel.bytes());
    if (between == 0) return send_into_room(parcel);
    if (between) return went(sender_->inject(MessageKind::skip, {}));
    if (sender_->awaits_room(parcel.bytes())) return false;
  }
  return send_announcement(parcel);
}

bool Connection::send_whole(Parcel& parcel) {
  Slice slice;
  parcel.next_part(parcel.bytes(), sender_->limits().segments, slice);
  if (!send_slice(parcel, MessageKind::packet, slice)) return false;
  parcel.take_whole();
  return true;
}

bool Connection::send_into_room(Parcel& parcel) {
  if (!send_whole(parcel)) return false;
  sender_->count_filled_room();
  return true;
}

bool Connection::send_announcement(Parcel& parcel) {
  const auto length = PacketLength{parcel.bytes()}.encode();
  if (!went(sender_->inject(MessageKind::first, length))) return false;
  parcel.set_announced();
  return true;
}

bool Connection::send_part(Parcel& parcel) {
  const std::size_t pieces = sender_->limits().segments;
  Slice slice;
  if (sender_->is_granted()) {
    const Grant grant = *sender_->grant();
    parcel.direct_part(grant, pieces, slice);
    if (!send_slice(parcel, MessageKind::part, slice)) return false;
    parcel.take_direct(grant, slice.bytes);
    return true;
  }
  std::size_t room = sender_->peer_slot_bytes();
  if (sender_->grant()) room = std::min(room, parcel.bytes_before(*sender_->grant()));
  parcel.next_part(room, pieces, slice);
  if (slice.bytes == 0) {
    refuse_peer("a grant that comes too late in its packet");
    return false;
  }
  if (!send_slice(parcel, MessageKind::part, slice)) return false;
  parcel.take_part(slice.bytes);
  return true;
}

bool Connection::send_slice(Parcel& parcel, MessageKind kind, Slice& slice) {
  const bool flat = slice.count <= 1;
  if (flat && slice.bytes <= std::min(inject_bytes_max, sender_->limits().inject_bytes)) {
    const auto* start = slice.count == 0 ? nullptr : slice.segments[0].iov_base;
    return went(sender_->inject(kind, {static_cast<const std::byte*>(start), slice.bytes}));
  }
  const std::uint32_t number = sender_->next_number();
  if (!went(sender_->send(kind, std::span(slice.segments).first(slice.count),
                          std::span(slice.descriptors).first(slice.count)))) {
    return false;
  }
  parcel.begin_flight();
  in_flight_.emplace_back(number, &parcel);
  return true;
}

/// Whether the message is on its way. What is broken ends the connection in the next round.
bool Connection::went(MessageSender::Outcome outcome) {
  switch (outcome) {
    case MessageSender::Outcome::sent:
      return true;
    case MessageSender::Outcome::full:
      shared_.loop.set_deadline(*this, shared_.loop.host().now() + retry_time);
      return false;
    case MessageSender::Outcome::broken:
      break;
  }
  // The other side may have ended, and the reason, or its last packets, may still come.
  const sdk::Error& error = sender_->error();
  on_broken(error.native, error.text);
  return false;
}

/// Where the other side may send much at once, and credits that nothing took along.
void Connection::send_control() {
  if ((state_ != State::up && state_ != State::flushing) || !tell_grant() || !tell_rooms()) return;
  if (window_->owes_credits() && sender_->may_send_control()) {
    went(sender_->inject(MessageKind::credit, {}));
  }
}

/// False: not now.
bool Connection::tell_grant() {
  if (!grant_to_tell_) return true;
  if (!sender_->may_send_control()) return false;
  window_->tell_all();
  if (!went(sender_->inject(MessageKind::grant, grant_to_tell_->encode()))) {
    window_->tell_up_to(grant_to_tell_->number);
    return false;
  }
  grant_to_tell_.reset();
  return true;
}

/// The same. Also if there are none: the other side waits to hear what became of those it filled.
bool Connection::tell_rooms() {
  if (rooms_to_tell_.empty() && !owes_report()) return true;
  const std::size_t fit =
      std::min(RoomReport::rooms_max,
               (sender_->limits().inject_bytes - RoomReport::header_bytes) / Room::encoded_bytes);
  std::erase_if(rooms_to_tell_, [&](const Room& r) { return r.number < window_->arrived(); });
  while (!rooms_to_tell_.empty() || owes_report()) {
    const auto end =
        rooms_to_tell_.begin() + static_cast<std::ptrdiff_t>(std::min(fit, rooms_to_tell_.size()));
    const RoomReport report{.taken = rooms_taken_, .rooms = {rooms_to_tell_.begin(), end}};
    if (!sender_->may_send_control() ||
        !went(sender_->inject(MessageKind::rooms, report.encode()))) {
      return false;
    }
    rooms_told_taken_ = rooms_taken_;
    rooms_to_tell_.erase(rooms_to_tell_.begin(), end);
  }
  return true;
}

void Connection::on_sent(std::uint32_t message) {
  const auto found = std::find_if(in_flight_.begin(), in_flight_.end(),
                                  [&](const auto& entry) { return entry.first == message; });
  if (found == in_flight_.end()) return;
  if (found->second != nullptr) {
    found->second->end_flight();
  } else {
    end_retired(message);
  }
  in_flight_.erase(found);
}

void Connection::retire_parcels() {
  while (!parcels_.empty() && parcels_.front().is_done()) {
    Parcel& done = parcels_.front();
    queued_bytes_ -= done.bytes() + parcel_cost;
    if (done.is_borrowed()) shared_.loop.tell(source(), TT_EV_SENT, TT_OK, done.op());
    done.release_storage();
    parcels_.pop_front();
    --first_unposted_;
  }
  tell_writable();
}

void Connection::drop_parcels(tt_status status) {
  for (Parcel& parcel : parcels_) {
    if (parcel.is_borrowed()) shared_.loop.tell(source(), TT_EV_SENT, status, parcel.op());
    parcel.release_storage();
  }
  in_flight_.clear();
  parcels_.clear();
  first_unposted_ = queued_bytes_ = 0;
}

void Connection::tell_writable() {
  if (state_ != State::up || refused_bytes_ == 0) return;
  if (!accepts(std::max<std::size_t>(refused_bytes_, shared_.limits.queue_bytes_max / 2))) return;
  refused_bytes_ = 0;
  shared_.loop.tell(source(), TT_EV_WRITABLE);
}

}  // namespace trestle::ofi
