// Packing and handing over.
#include "peers/outbox.hpp"

#include <algorithm>
#include <utility>

namespace trestle::peers {

Outbox::Packet& Outbox::open_packet(std::size_t segments, std::size_t payload_bytes) {
  if (!packets_.empty()) {
    Packet& last = packets_.back();
    const bool room = last.size + payload_bytes < packet_bytes_max &&
                      2 * last.lent.size() + 1 + segments <= segments_max_;
    if (room) return last;
  }
  Packet& packet = packets_.emplace_back(std::exchange(spare_, {}));
  wire::begin_packet(packet.bytes);
  packet.size = packet.bytes.size();
  packet.first = last_ + 1;
  queued_bytes_ += packet.size;
  return packet;
}

FrameNumber Outbox::count(Packet& packet, std::size_t start, std::size_t size) {
  packet.frames.push_back(start);
  packet.size += size;
  queued_bytes_ += size;
  return ++last_;
}

std::vector<tt_iov>& Outbox::gather(const Packet& packet) {
  segments_.clear();
  std::size_t at = 0;
  const auto add = [this](const std::byte* base, std::size_t length) {
    if (length != 0) segments_.push_back({base, length});
  };
  for (const Lent& lent : packet.lent) {
    add(packet.bytes.data() + at, lent.at - at);
    add(lent.payload.data(), lent.payload.size());
    at = lent.at;
  }
  add(packet.bytes.data() + at, packet.bytes.size() - at);
  return segments_;
}

tt_status Outbox::flush(PacketSink& sink) {
  while (!packets_.empty() && !blocked_) {
    Packet& packet = packets_.front();
    // Lending pays for payloads; a packet of small frames is cheaper copied than tracked.
    const std::uint32_t flags = packet.lent.empty() ? TT_SEND_COPY : 0;
    const std::uint64_t op = next_op_;
    const tt_status status = sink.send_packet(gather(packet), flags, op);
    if (status == TT_E_AGAIN) {
      blocked_ = true;
      break;
    }
    if (status < 0) return status;
    left_ = packet.first + packet.frames.size() - 1;
    queued_bytes_ -= packet.size;
    if (status == TT_PENDING) {
      ++next_op_;
      in_flight_.emplace(op, std::move(packet));
    } else {
      keep_spare(std::move(packet));
    }
    packets_.pop_front();
  }
  return TT_OK;
}

void Outbox::keep_spare(Packet packet) {
  if (packet.bytes.capacity() > 2 * packet_bytes_max) return;  // one large frame made it so
  packet.bytes.clear();
  packet.lent.clear();
  packet.frames.clear();
  spare_ = std::move(packet);
}

bool Outbox::withdraw(FrameNumber frame) noexcept {
  if (has_left(frame)) return false;
  for (Packet& packet : packets_) {
    if (frame >= packet.first + packet.frames.size()) continue;
    wire::void_frame(packet.bytes.data() + packet.frames[frame - packet.first]);
    return true;
  }
  return false;
}

}  // namespace trestle::peers
