// Receiving: messages out of the completion queue, packets out of messages.
#include <algorithm>
#include <utility>

#include "connection.hpp"

namespace trestle::ofi {

void Connection::on_arrival(const Arrival& arrival) {
  if (state_ == State::closed) return;
  window_->count_arrival();
  const auto tag = arrival.tag ? MessageTag::decode(*arrival.tag) : std::nullopt;
  if (!tag) return refuse_peer("a message without a known tag");
  sender_->add_credits(tag->credits);
  const bool is_control = tag->kind == MessageKind::credit || tag->kind == MessageKind::grant;
  if (!is_control || arrival.slot == direct_slot_) {
    arrived_.push_back(arrival);
    return;
  }
  // Not in turn with packets, which may have to wait for the host, but at once: what this side
  // wants to send must not wait for them.
  if (tag->kind == MessageKind::grant) {
    take_grant(window_->bytes(arrival.slot, arrival.bytes));
  }
  window_->count_control();
  post_again(arrival.slot);
}

void Connection::take_grant(std::span<const std::byte> bytes) {
  const auto grant = Grant::decode(bytes);
  const bool fits = grant && !sender_->grant() && sender_->is_ahead(*grant) &&
                    first_unposted_ < parcels_.size() && parcels_[first_unposted_].accepts(*grant);
  if (!fits) return refuse_peer("a grant that fits no packet");
  sender_->set_grant(*grant);
}

void Connection::on_broken(int number, const std::string& text) {
  finish_later(status_of(number), "the connection was lost: " + text);
}

void Connection::refuse_peer(const std::string& why) {
  is_refused_ = true;
  finish_later(TT_E_PROTOCOL, "the other side sent " + why);
}

void Connection::on_batch_end() {
  if (state_ == State::closed) return;
  retire_parcels();
  if (state_ == State::dialling || state_ == State::accepting) return;
  deliver();
  if (state_ != State::closed) send_queue();
}

/// Hands out what has arrived, as far as the host has room for it.
void Connection::deliver() {
  while (!arrived_.empty() && !paused_ && state_ != State::closed) {
    const Arrival arrival = arrived_.front();
    arrived_.pop_front();
    const MessageKind kind = MessageTag::decode(*arrival.tag)->kind;
    if (take_message(arrival, kind) == Progress::done) continue;
    arrived_.push_front(arrival);
    break;
  }
  if (state_ == State::closed) return;
  if (is_refused_ || (peer_ended_ && arrived_.empty())) return end_of_peer();
  if (grant_to_tell_ || window_->owes_credits()) send_control();
}

Connection::Progress Connection::take_message(const Arrival& arrival, MessageKind kind) {
  if (kind == MessageKind::goodbye) {
    finish(TT_E_CLOSED, state_ == State::up ? "closed by the peer" : "closed by this side");
    return Progress::done;
  }
  if (state_ != State::up) {  // closed by us: what comes may be dropped
    if (arrival.slot == direct_slot_) direct_slot_.reset();
    post_again(arrival.slot);
    return Progress::done;
  }
  if (!shared_.loop.events().has_room(handle())) {
    shared_.loop.enqueue(*this);
    return Progress::wait;
  }
  if (kind == MessageKind::part) return take_part(arrival);
  if (arrival.slot == direct_slot_ || assembly_) {
    refuse_peer("a packet in the middle of another");
    return Progress::wait;
  }
  return kind == MessageKind::packet ? take_packet(arrival) : take_first(arrival);
}

void Connection::refuse_length(std::uint64_t bytes) {
  finish(TT_E_TOOBIG, "the other side announced a packet of " + std::to_string(bytes) +
                          " bytes; the limit is " + std::to_string(arriving_bytes_max_));
}

Connection::Progress Connection::take_packet(const Arrival& arrival) {
  if (arrival.bytes > arriving_bytes_max_) {
    refuse_length(arrival.bytes);
    return Progress::done;
  }
  arriving_bytes_max_ = shared_.limits.packet_bytes_max;
  if (viewed_.empty()) shared_.viewed.push_back(this);
  viewed_.push_back(arrival.slot);
  tt_event event{};
  event.kind = TT_EV_PACKET;
  event.conn = handle();
  event.data = window_->bytes(arrival.slot, arrival.bytes).data();
  event.len = arrival.bytes;
  shared_.loop.emit(event, &user_);
  return Progress::done;
}

Connection::Progress Connection::take_first(const Arrival& arrival) {
  const auto length = PacketLength::decode(window_->bytes(arrival.slot, arrival.bytes));
  if (!length || length->bytes == 0) {
    refuse_peer("a packet without a length");
    return Progress::wait;
  }
  if (length->bytes > arriving_bytes_max_) {
    refuse_length(length->bytes);
    return Progress::done;
  }
  if (held_ && held_->count >= options_.held_packets_max) {
    held_->waiting = this;
    return Progress::wait;
  }
  auto memory = device_->memory().take(length->bytes);
  if (memory.has_error()) {
    finish(memory.error().code, memory.error().text);
    return Progress::done;
  }
  assembly_.emplace(std::move(*memory));
  arriving_bytes_max_ = shared_.limits.packet_bytes_max;
  post_again(arrival.slot);
  return Progress::done;
}

Connection::Progress Connection::take_part(const Arrival& arrival) {
  const bool is_direct = arrival.slot == direct_slot_;
  const bool fits =
      assembly_ && (is_direct ? assembly_->finish_direct(arrival.bytes)
                              : assembly_->append(window_->bytes(arrival.slot, arrival.bytes)));
  if (!fits) {
    refuse_peer("more of a packet than it had announced");
    return Progress::wait;
  }
  if (is_direct) direct_slot_.reset();
  if (assembly_->is_whole()) hand_over_packet();
  post_again(arrival.slot);
  return Progress::done;
}

void Connection::hand_over_packet() {
  MessageBufferPtr memory = assembly_->take();
  assembly_.reset();
  tt_event event{};
  event.kind = TT_EV_PACKET;
  event.conn = handle();
  event.data = memory->bytes().data();
  event.len = memory->bytes().size();
  if (held_) {
    ++held_->count;
    memory->held = held_;
  }
  event.rx = shared_.lent.lend(std::move(memory));
  shared_.loop.emit(event, &user_);
}

/// For the next message; if a packet has much to come, that one goes straight to its place.
void Connection::post_again(std::uint32_t slot) {
  std::span<std::byte> room;
  if (assembly_) {
    // Messages that have arrived and were not looked at are parts of it, too.
    room = assembly_->room_after(window_->outstanding() + arrived_.size(), window_->slot_bytes());
    room = room.first(std::min(room.size(), sender_->limits().message_bytes));
  }
  const std::uint64_t number = window_->next_number();
  const int failed =
      room.empty() ? window_->post(slot) : window_->post(slot, room, assembly_->descriptor());
  if (failed != 0) return on_broken(-failed, "cannot post a receive buffer");
  if (room.empty()) return;
  direct_slot_ = slot;
  grant_to_tell_ = Grant{number, assembly_->offset_of(room), room.size()};
  assembly_->expect_direct(room);
  window_->tell_up_to(number);
}

void Connection::recycle() {
  for (const std::uint32_t slot : std::exchange(viewed_, {})) {
    if (endpoint_ != nullptr) post_again(slot);
  }
  if (endpoint_ == nullptr) {
    if (window_) window_->close();
    return;
  }
  if (window_->owes_credits()) send_control();
}

bool Connection::must_recycle() const noexcept {
  return endpoint_ == nullptr || window_->would_owe_credits(viewed_.size());
}

}  // namespace trestle::ofi
