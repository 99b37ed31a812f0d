// Packets are trains of length-prefixed frames. No I/O here: bytes in, values out, and back.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "wire/frame.hpp"

namespace trestle::wire {

/// Bytes under construction.
using Buffer = std::vector<std::byte>;

/// Every packet starts with this many bytes.
inline constexpr std::size_t packet_header_bytes = 8;
/// A handler's name is at most this long.
inline constexpr std::size_t handler_name_bytes_max = 1024;
/// Texts of nack and goodbye are cut to this.
inline constexpr std::size_t text_bytes_max = 1024;
/// Before hello, frames are at most this long.
inline constexpr std::size_t hello_frame_bytes_max = 4096;

/// Appends a packet header.
void begin_packet(Buffer& out);

/// Appends one frame. Request and Reply: with their payload.
/// Over-long texts are cut at a UTF-8 boundary; a Request's name must fit (checked by the caller).
void append(Buffer& out, const Hello& frame);
void append(Buffer& out, const Request& frame);
void append(Buffer& out, const Accepted& frame);
void append(Buffer& out, const Ack& frame);
void append(Buffer& out, const Nack& frame);
void append(Buffer& out, const Reply& frame);
void append(Buffer& out, const Cancel& frame);
void append(Buffer& out, const Ping& frame);
void append(Buffer& out, const Pong& frame);
void append(Buffer& out, const Goodbye& frame);
void append(Buffer& out, const Window& frame);

/// Appends all of a frame but its payload, which the sender adds as a gather segment of its own.
void append_without_payload(Buffer& out, const Request& frame);
void append_without_payload(Buffer& out, const Reply& frame);

/// Bytes that the frame takes in a packet, payload included.
std::size_t encoded_bytes(const Request& frame) noexcept;
std::size_t encoded_bytes(const Reply& frame) noexcept;

/// Walks the frames of one packet in place: views in the frames point into the packet.
class PacketReader {
 public:
  /// `frame_bytes_max`: limit on one frame, prefix included.
  PacketReader(BytesView packet, std::size_t frame_bytes_max) noexcept
      : rest_(packet), frame_bytes_max_(frame_bytes_max) {}

  /// The next frame; empty at the end of the packet.
  /// Errors: protocol_error naming the field, its value and the limit; the reader is then at its
  /// end. version_mismatch: a packet of another protocol version, or not Trestle at all.
  Result<std::optional<Frame>> next();

 private:
  BytesView rest_;
  std::size_t frame_bytes_max_;
  bool header_read_ = false;
};

}  // namespace trestle::wire
