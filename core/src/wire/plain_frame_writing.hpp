// Plain frames, which are most of what is sent, written in place: a few stores and the payload.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "wire/byte_cursor.hpp"
#include "wire/layout.hpp"
#include "wire/packet.hpp"

namespace trestle::wire {

/// Bytes of a plain request.
constexpr std::size_t plain_request_bytes(std::size_t payload_bytes) noexcept {
  return frame_prefix_bytes + fixed_bytes::request + payload_bytes;
}
/// Bytes of a plain reply.
constexpr std::size_t plain_reply_bytes(std::size_t payload_bytes) noexcept {
  return frame_prefix_bytes + fixed_bytes::reply + payload_bytes;
}

/// The prefix of a frame without flags as one number.
constexpr std::uint64_t plain_frame_prefix(FrameKind kind, std::size_t header_bytes,
                                           std::size_t frame_bytes) noexcept {
  return frame_bytes | std::uint64_t{static_cast<std::uint8_t>(kind)} << 32 |
         std::uint64_t{header_bytes} << 48;
}

/// Appends the same bytes as a Request without flags, name, headers or expectation would.
inline void append_plain_request(Buffer& out, const PlainFrame& frame) {
  assert(frame.handler != 0);
  const std::size_t bytes = plain_request_bytes(frame.payload.size());
  ByteWriter({out.extend(bytes), bytes})
      .put(plain_frame_prefix(FrameKind::request, fixed_bytes::request, bytes))
      .put(frame.call.value)
      .put(frame.handler | std::uint64_t{static_cast<std::uint8_t>(frame.mode)} << 32 |
           std::uint64_t{static_cast<std::uint8_t>(frame.codec)} << 40)
      .put(std::uint64_t{frame.deadline_ms})
      .put(frame.payload);
}

/// The same of a Reply without headers.
inline void append_plain_reply(Buffer& out, CallId call, Codec codec, BytesView payload) {
  const std::size_t bytes = plain_reply_bytes(payload.size());
  ByteWriter({out.extend(bytes), bytes})
      .put(plain_frame_prefix(FrameKind::reply, fixed_bytes::reply, bytes))
      .put(call.value)
      .put(std::uint64_t{static_cast<std::uint8_t>(codec)})
      .put(payload);
}

}  // namespace trestle::wire
