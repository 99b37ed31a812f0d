// Packing and handing over.
#include "peers/outbox.hpp"

#include <array>

namespace trestle::peers {

namespace {

/// Of a packet that has room for one. Only now: until it leaves, a frame may still be withdrawn.
void put_checksum(wire::Buffer& packet, std::span<const tt_iov> segments) noexcept {
  wire::PacketSum sum({packet.data(), segments.front().len});
  for (const tt_iov& segment : segments.subspan(1)) {
    sum.add({static_cast<const std::byte*>(segment.base), segment.len});
  }
  wire::put_checksum(packet.data(), sum.value());
}

}  // namespace

void Outbox::start_packet() {
  if (!open_.bytes.empty()) full_.push_back(std::exchange(open_, Packet()));
  open_.first = full_.empty() ? left_ : full_.back().end();
  // Where packets are large, the next one is most likely, too: it need not grow step by step.
  open_.bytes.reserve(last_packet_bytes_);
  wire::begin_packet(open_.bytes, style_);
  queued_bytes_ += open_.bytes.size();
}

tt_status Outbox::send(PacketSink& sink, Packet& packet) {
  if (packet.lent.empty()) {
    // Lending pays for payloads; a packet of small frames is cheaper copied than tracked.
    const tt_iov whole{packet.bytes.data(), packet.bytes.size()};
    if (wire::has_checksum(packet.bytes.view())) put_checksum(packet.bytes, {&whole, 1});
    return sink.send_packet({&whole, 1}, TT_SEND_COPY, next_op_);
  }
  std::array<tt_iov, segments_limit> segments;
  std::size_t count = 0;
  std::size_t at = 0;
  for (const Lent& lent : packet.lent) {
    segments[count++] = {packet.bytes.data() + at, lent.at - at};
    segments[count++] = {lent.payload.data(), lent.payload.size()};
    at = lent.at;
  }
  if (at != packet.bytes.size()) {
    segments[count++] = {packet.bytes.data() + at, packet.bytes.size() - at};
  }
  const auto all = std::span<const tt_iov>(segments).first(count);
  if (wire::has_checksum(packet.bytes.view())) put_checksum(packet.bytes, all);
  return sink.send_packet(all, 0, next_op_);
}

tt_status Outbox::hand_over(PacketSink& sink, Packet& packet, std::vector<Payload>& done) {
  const tt_status status = send(sink, packet);
  if (status == TT_E_AGAIN) {
    blocked_ = true;
    return TT_OK;
  }
  if (status < 0) return status;
  left_ = packet.end();
  packet.messages = 0;
  queued_bytes_ -= packet.size();
  packet.lent_bytes = 0;
  last_packet_bytes_ = std::min(packet.bytes.size(), packet_bytes_max);
  if (status == TT_PENDING) {
    const std::uint64_t op = next_op_++;
    const auto free = std::find_if(few_.begin(), few_.end(), [](auto& few) { return few.op == 0; });
    if (free != few_.end()) {
      free->swap(packet);  // and the next packet has the memory that was there
      free->op = op;
    } else {
      packet.op = op;
      in_flight_.push_back(std::exchange(packet, Packet()));
    }
    return TT_OK;
  }
  if (!packet.lent.empty()) move_payloads(packet, done);
  trim(packet);
  return TT_OK;
}

void Outbox::add_packet(wire::Buffer&& packet, std::uint32_t messages) {
  if (!open_.bytes.empty()) full_.push_back(std::exchange(open_, Packet()));
  open_.first = full_.empty() ? left_ : full_.back().end();
  open_.bytes = std::move(packet);
  open_.messages = messages;
  queued_bytes_ += open_.bytes.size();
}

tt_status Outbox::flush(PacketSink& sink, std::vector<Payload>& done, Extent extent) {
  while (!full_.empty() && !blocked_) {
    if (const tt_status status = hand_over(sink, full_.front(), done); status < 0) return status;
    if (!blocked_) full_.pop_front();
  }
  if (blocked_ || open_.bytes.empty() || extent == Extent::full_packets) return TT_OK;
  return hand_over(sink, open_, done);
}

void Outbox::on_sent(std::uint64_t op, std::vector<Payload>& done) {
  for (Read& few : few_) {
    if (few.op != op) continue;
    move_payloads(few, done);
    trim(few);
    few.op = 0;
    return;
  }
  auto packet = in_flight_.begin();
  if (packet != in_flight_.end() && packet->op != op) {
    packet = std::lower_bound(packet, in_flight_.end(), op,
                              [](const Packet& p, std::uint64_t wanted) { return p.op < wanted; });
  }
  if (packet == in_flight_.end() || packet->op != op) return;
  move_payloads(*packet, done);
  packet->bytes = wire::Buffer();
  packet->lent = decltype(packet->lent)();
  packet->sent = true;
  while (!in_flight_.empty() && in_flight_.front().sent) in_flight_.pop_front();
}

void Outbox::clear(std::vector<Payload>& done) {
  for (memory::Fifo<Packet>* queue : {&full_, &in_flight_}) {
    for (Packet& packet : *queue) move_payloads(packet, done);
    queue->clear();
  }
  for (Read& few : few_) {
    move_payloads(few, done);
    few = Read();
  }
  move_payloads(open_, done);
  open_ = Packet();
  queued_bytes_.clear();
}

void Outbox::move_payloads(Contents& packet, std::vector<Payload>& done) {
  for (Lent& lent : packet.lent) done.push_back(std::move(lent.payload));
  packet.lent.clear();
}

void Outbox::take_unsent(const std::function<void(wire::Frame&, Payload&&)>& take) {
  for (Packet& packet : full_) {
    queued_bytes_ -= packet.size();
    read_unsent(packet, take);
  }
  full_.clear();
  if (open_.bytes.empty()) return;
  queued_bytes_ -= open_.size();
  Packet last = std::exchange(open_, Packet());
  read_unsent(last, take);
}

void Outbox::read_unsent(Packet& packet, const std::function<void(wire::Frame&, Payload&&)>& take) {
  std::vector<BytesView> pieces;
  std::size_t at = 0;
  for (const Lent& lent : packet.lent) {
    pieces.push_back(packet.bytes.view().subspan(at, lent.at - at));
    pieces.push_back(lent.payload.view());
    at = lent.at;
  }
  if (at != packet.bytes.size()) pieces.push_back(packet.bytes.view().subspan(at));
  wire::PacketReader reader({pieces.front(), std::span(pieces).subspan(1)}, SIZE_MAX);
  auto lent = packet.lent.begin();
  while (auto frame = reader.next().value()) {
    const auto* request = std::get_if<wire::Request>(&*frame);
    const auto* reply = std::get_if<wire::Reply>(&*frame);
    const BytesView payload = request != nullptr ? request->payload
                              : reply != nullptr ? reply->payload
                                                 : BytesView();
    const bool is_apart =
        lent != packet.lent.end() && !payload.empty() && payload.data() == lent->payload.data();
    take(*frame, is_apart ? std::move((lent++)->payload) : Payload());
  }
}

bool Outbox::withdraw(FrameNumber frame) noexcept {
  if (has_left(frame)) return false;
  Packet* packet = &open_;
  for (Packet& full : full_) {
    if (frame < full.end()) {
      packet = &full;
      break;
    }
  }
  if (frame >= packet->end()) return false;
  wire::void_frame(packet->bytes.data() + (frame - packet->first));
  return true;
}

}  // namespace trestle::peers
