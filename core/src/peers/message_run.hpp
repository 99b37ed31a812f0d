// Messages that wait together, written as they will leave.
#pragma once

#include <trestle/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "wire/byte_cursor.hpp"
#include "wire/packet.hpp"
#include "wire/plain_frame_writing.hpp"

namespace trestle::peers {

/// A packet of plain requests that expect nothing. They wait for room in the peer's window, and
/// cost no more for that than their bytes. Threads: under the engine's lock.
class MessageRun {
 public:
  /// A recycled block's, and a packet's.
  static constexpr std::size_t bytes_max = 64 * 1024;

  /// `bytes`: how long it may well become.
  MessageRun(std::size_t bytes, wire::PacketStyle style) {
    packet_.reserve(bytes);
    wire::begin_packet(packet_, style);
    start_ = at_ = packet_.size();
  }

  /// Whether one more message of so many bytes, header included, may join.
  bool takes(std::size_t frame_bytes) const noexcept {
    return packet_.size() + frame_bytes <= bytes_max;
  }
  void add(const wire::PlainFrame& message) {
    wire::append_plain_request(packet_, message);
    ++messages_;
  }

  /// How many there are.
  std::uint32_t size() const noexcept { return messages_; }
  /// None was taken out yet.
  bool is_whole() const noexcept { return at_ == start_; }
  /// Of those of a whole one.
  std::size_t frame_bytes() const noexcept { return packet_.size() - start_; }

  /// The first one. Lifetime: until the next call.
  const wire::PlainFrame& front() noexcept {
    wire::ByteReader reader(packet_.view().subspan(at_));
    const auto frame_bytes = reader.get<std::uint32_t>();
    reader.take(wire::frame_prefix_bytes - sizeof(frame_bytes));
    front_.kind = wire::FrameKind::request;
    front_.call.value = reader.get<std::uint64_t>();
    front_.handler = reader.get<std::uint32_t>();
    front_.mode = DeliveryMode{reader.get<std::uint8_t>()};
    front_.codec = Codec{reader.get<std::uint8_t>()};
    const std::size_t header_bytes = wire::plain_request_bytes(0);
    front_.payload = packet_.view().subspan(at_ + header_bytes, frame_bytes - header_bytes);
    return front_;
  }
  /// Takes it out.
  void pop() noexcept {
    at_ += wire::plain_request_bytes(front_.payload.size());
    --messages_;
  }

  /// All of a whole one, as a packet.
  wire::Buffer take_packet() noexcept {
    messages_ = 0;
    return std::move(packet_);
  }

 private:
  std::uint32_t messages_ = 0;
  wire::Buffer packet_;
  std::size_t start_ = 0;  // of what was the first message
  std::size_t at_ = 0;     // of the first message
  wire::PlainFrame front_{};
};

}  // namespace trestle::peers
