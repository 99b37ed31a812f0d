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
  if (tag->kind == MessageKind::packet && may_show_at_once(arrival)) return show(arrival);
  // Control is not in turn with packets, which may have to wait for the host, but at once: what
  // this side wants to send must not wait for them.
  if (arrival.slot == direct_slot_ || !take_control(arrival, tag->kind)) {
    return arrived_.push_back(arrival);
  }
  post_again(arrival.slot);
}

/// False: it is none.
bool Connection::take_control(const Arrival& arrival, MessageKind kind) {
  const auto bytes = window_->bytes(arrival.slot, arrival.bytes);
  switch (kind) {
    case MessageKind::grant:
      take_grant(bytes);
      break;
    case MessageKind::rooms:
      take_rooms(bytes);
      break;
    case MessageKind::credit:
    case MessageKind::skip:
      break;
    default:
      return false;
  }
  window_->count_control();
  return true;
}

void Connection::take_rooms(std::span<const std::byte> bytes) {
  const auto report = RoomReport::decode(bytes);
  if (!report || !sender_->take_report(*report)) refuse_peer("rooms that make no sense");
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

/// A small packet with nothing in front of it, as nearly all are.
bool Connection::may_show_at_once(const Arrival& arrival) const noexcept {
  const bool is_next = arrived_.empty() && !direct_slot_ && !assembly_;
  const bool is_small = arrival.bytes <= window_->slot_bytes() &&
                        arrival.bytes <= arriving_bytes_max_ && !window_->has_room(arrival.slot);
  return is_next && is_small && state_ == State::up && !paused_ && !is_refused_ &&
         shared_.loop.events().has_room(handle());
}

void Connection::on_batch_end() {
  if (state_ == State::closed) return;
  retire_parcels();
  if (state_ == State::dialling || state_ == State::accepting) return;
  if (hand_out_arrived()) send_queue();
}

void Connection::deliver() {
  if (hand_out_arrived()) send_control();
}

/// As far as the host has room for it. False: the connection has ended.
bool Connection::hand_out_arrived() {
  while (!arrived_.empty() && !paused_ && state_ != State::closed) {
    const Arrival arrival = arrived_.front();
    arrived_.pop_front();
    const MessageKind kind = MessageTag::decode(*arrival.tag)->kind;
    if (take_message(arrival, kind) == Progress::done) continue;
    arrived_.push_front(arrival);
    break;
  }
  if (state_ == State::closed) return false;
  if (!is_refused_ && (!peer_ended_ || !arrived_.empty())) return true;
  end_of_peer();
  return false;
}

Connection::Progress Connection::take_message(const Arrival& arrival, MessageKind kind) {
  if (kind == MessageKind::goodbye) {
    finish(TT_E_CLOSED, state_ == State::up ? "closed by the peer" : "closed by this side");
    return Progress::done;
  }
  if (state_ != State::up) {  // closed by us: what comes may be dropped
    if (arrival.slot == direct_slot_) direct_slot_.reset();
    if (kind == MessageKind::packet) count_room(arrival.bytes);
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
  const bool keeps = window_->fills_room(arrival.slot, arrival.bytes);
  if (keeps && !may_hand_over()) return Progress::wait;
  count_room(arrival.bytes);
  if (keeps) {
    note_whole(arrival.bytes);
    MessageBufferPtr memory = window_->take_room(arrival.slot);
    memory->memory->resize(arrival.bytes);
    post_again(arrival.slot);
    hand_over(std::move(memory));
    return Progress::done;
  }
  show(arrival);
  if (window_->has_room(arrival.slot)) forecast_.note_waste();
  return Progress::done;
}

/// The host reads it where it is, until the round ends.
void Connection::show(const Arrival& arrival) {
  note_whole(arrival.bytes);
  if (viewed_.empty()) shared_.viewed.push_back(this);
  viewed_.push_back(arrival.slot);
  tt_event event{};
  event.kind = TT_EV_PACKET;
  event.conn = handle();
  event.data = window_->bytes(arrival.slot, arrival.bytes).data();
  event.len = arrival.bytes;
  shared_.loop.emit(event, &user_);
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
  if (!may_hand_over()) return Progress::wait;
  auto memory = device_->memory().take(length->bytes);
  if (memory.has_error()) {
    finish(memory.error().code, memory.error().text);
    return Progress::done;
  }
  assembly_.emplace(std::move(*memory));
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
  if (is_direct) {
    direct_slot_.reset();
  } else if (window_->has_room(arrival.slot) && assembly_->size() > forecast_.room_bytes()) {
    forecast_.note_waste();
  }
  if (assembly_->is_whole()) {
    note_whole(assembly_->size());
    hand_over(assembly_->take());
    assembly_.reset();
  }
  post_again(arrival.slot);
  return Progress::done;
}

/// The other side waits to hear of all whole packets that only a room takes.
void Connection::count_room(std::size_t packet_bytes) noexcept {
  if (packet_bytes > window_->slot_bytes()) ++rooms_taken_;
}

/// Not while the host is shown packets: the credits of these go along, or two sides that only
/// report to each other would use up what they have.
bool Connection::owes_report() const noexcept {
  return rooms_told_taken_ != rooms_taken_ && viewed_.empty();
}

/// What a packet says of those to come: of a stranger's first one nothing, or it would get more
/// memory than the host allows it.
void Connection::note_whole(std::size_t bytes) noexcept {
  const std::uint64_t most = shared_.limits.packet_bytes_max;
  if (std::exchange(arriving_bytes_max_, most) == most) forecast_.note_packet(bytes);
}

/// False: the host holds as many packets as it may, and gives this one a turn when it holds less.
bool Connection::may_hand_over() {
  if (!held_ || held_->count < options_.held_packets_max) return true;
  held_->waiting = this;
  return false;
}

void Connection::hand_over(MessageBufferPtr memory) {
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
  window_->drop_room(slot);
  if (post_direct(slot) || post_room(slot)) return;
  posted(window_->post_up_to(forecast_.messages_wanted(), slot));
}

/// False: nothing of the kind is awaited.
bool Connection::post_direct(std::uint32_t slot) {
  if (!assembly_ || state_ != State::up) return false;
  // Messages that have arrived and were not looked at are parts of it, too.
  auto room =
      assembly_->room_after(window_->outstanding() + arrived_.size(), window_->slot_bytes());
  room = room.first(std::min(room.size(), sender_->limits().message_bytes));
  if (room.empty()) return false;
  const std::uint64_t number = window_->next_number();
  if (!posted(window_->post(slot, room, assembly_->descriptor()))) return true;
  direct_slot_ = slot;
  grant_to_tell_ = Grant{number, assembly_->offset_of(room), room.size()};
  assembly_->expect_direct(room);
  window_->tell_up_to(number);
  return true;
}

/// False: there are enough, or none is needed. Small messages have a buffer between any two.
bool Connection::post_room(std::uint32_t slot) {
  const std::size_t bytes = forecast_.room_bytes();
  if (state_ != State::up || window_->ends_with_room() ||
      !forecast_.wants_more(window_->room_count()) || !may_have_rooms_of(bytes)) {
    return false;
  }
  auto memory = device_->memory().take(bytes);
  if (memory.has_error()) {  // what there is, packets need that were announced
    forecast_.give_up();
    return false;
  }
  if (!may_have_rooms_of((*memory)->memory->capacity())) {
    device_->memory().give_back(std::move(*memory));
    return false;
  }
  const std::uint64_t number = window_->next_number();
  if (posted(window_->post(slot, std::move(*memory)))) rooms_to_tell_.push_back({number, bytes});
  return true;
}

bool Connection::may_have_rooms_of(std::size_t more_bytes) const noexcept {
  return shared_.room_budget.has(more_bytes) &&
         forecast_.allows(window_->room_bytes() + more_bytes);
}

bool Connection::posted(int failed) {
  if (failed != 0) on_broken(-failed, "cannot post a receive buffer");
  return failed == 0;
}

void Connection::recycle() {
  if (endpoint_ != nullptr) {
    for (const std::uint32_t slot : viewed_) post_again(slot);
  }
  viewed_.clear();
  if (endpoint_ == nullptr) {
    if (window_) window_->close();
    return;
  }
  send_control();
}

bool Connection::must_recycle() const noexcept {
  return endpoint_ == nullptr || rooms_told_taken_ != rooms_taken_ ||
         window_->would_owe_credits(viewed_.size());
}

}  // namespace trestle::ofi
