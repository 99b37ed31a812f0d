// What the writers of all frames share: prefix, fixed part, extension blocks.
#pragma once

#include <limits>

#include "wire/byte_cursor.hpp"
#include "wire/layout.hpp"
#include "wire/packet.hpp"

namespace trestle::wire {

/// Prefix and fixed part of a frame's header, composed on the stack.
template <std::size_t Fixed>
using FrameHead = FixedBytes<frame_prefix_bytes + Fixed>;

/// Starts a frame whose header has `extension_bytes` after the fixed part. The caller has checked
/// that name and payload are within the limits.
template <std::size_t Fixed>
FrameHead<Fixed> start_frame(FrameKind kind, std::size_t extension_bytes,
                             std::size_t payload_bytes) noexcept {
  const std::size_t header_bytes = Fixed + extension_bytes;
  const std::size_t frame_bytes = frame_prefix_bytes + header_bytes + payload_bytes;
  assert(header_bytes <= std::numeric_limits<std::uint16_t>::max());
  assert(frame_bytes <= std::numeric_limits<std::uint32_t>::max());
  FrameHead<Fixed> head;
  head.put(static_cast<std::uint32_t>(frame_bytes))
      .put(static_cast<std::uint8_t>(kind))
      .put(std::uint8_t{0})
      .put(static_cast<std::uint16_t>(header_bytes));
  return head;
}

inline void append_bytes(Buffer& out, BytesView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

inline void append_extension(Buffer& out, std::uint16_t type, BytesView bytes) {
  FixedBytes<extension_prefix_bytes> prefix;
  prefix.put(type).put(static_cast<std::uint16_t>(bytes.size()));
  append_bytes(out, prefix.bytes());
  append_bytes(out, bytes);
}

}  // namespace trestle::wire
