// Packing and handing over.
#include "peers/outbox.hpp"

#include <array>

namespace trestle::peers {

Outbox::Packet& Outbox::new_packet() {
  Packet packet;
  packet.first = packets_.empty() ? left_ : packets_.back().first + packets_.back().bytes.size();
  packet.bytes.swap(spare_);
  // Where packets are large, the next one is most likely, too: it need not grow step by step.
  packet.bytes.reserve(std::min(last_packet_bytes_, packet_bytes_max));
  wire::begin_packet(packet.bytes);
  queued_bytes_ += packet.bytes.size();
  return packets_.push_back(std::move(packet));
}

tt_status Outbox::hand_over(PacketSink& sink, const Packet& packet) {
  if (packet.lent.empty()) {
    // Lending pays for payloads; a packet of small frames is cheaper copied than tracked.
    const tt_iov whole{packet.bytes.data(), packet.bytes.size()};
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
  return sink.send_packet(std::span(segments).first(count), 0, next_op_);
}

tt_status Outbox::flush(PacketSink& sink, std::vector<Payload>& done) {
  while (!packets_.empty() && !blocked_) {
    Packet& packet = packets_.front();
    const tt_status status = hand_over(sink, packet);
    if (status == TT_E_AGAIN) {
      blocked_ = true;
      break;
    }
    if (status < 0) return status;
    left_ = packet.first + packet.bytes.size();
    queued_bytes_ -= packet.size();
    last_packet_bytes_ = packet.bytes.size();
    if (status == TT_PENDING) {
      packet.op = next_op_++;
      in_flight_.push_back(std::move(packet));
    } else {
      move_payloads(packet, done);
      keep_spare(packet.bytes);
    }
    packets_.pop_front();
  }
  return TT_OK;
}

void Outbox::on_sent(std::uint64_t op, std::vector<Payload>& done) {
  const auto packet =
      std::lower_bound(in_flight_.begin(), in_flight_.end(), op,
                       [](const Packet& p, std::uint64_t wanted) { return p.op < wanted; });
  if (packet == in_flight_.end() || packet->op != op) return;
  move_payloads(*packet, done);
  keep_spare(packet->bytes);
  packet->sent = true;
  while (!in_flight_.empty() && in_flight_.front().sent) in_flight_.pop_front();
}

void Outbox::clear(std::vector<Payload>& done) {
  for (memory::Fifo<Packet>* queue : {&packets_, &in_flight_}) {
    for (Packet& packet : *queue) move_payloads(packet, done);
    queue->clear();
  }
  spare_ = wire::Buffer();
  queued_bytes_ = 0;
}

void Outbox::keep_spare(wire::Buffer& bytes) {
  if (bytes.capacity() > spare_bytes_max) {
    bytes = wire::Buffer();
  } else {
    bytes.clear();
    spare_.swap(bytes);
  }
}

void Outbox::move_payloads(Packet& packet, std::vector<Payload>& done) {
  for (Lent& lent : packet.lent) done.push_back(std::move(lent.payload));
  packet.lent.clear();
}

bool Outbox::withdraw(FrameNumber frame) noexcept {
  if (has_left(frame)) return false;
  for (Packet& packet : packets_) {
    if (frame >= packet.first + packet.bytes.size()) continue;
    wire::void_frame(packet.bytes.data() + (frame - packet.first));
    return true;
  }
  return false;
}

}  // namespace trestle::peers
