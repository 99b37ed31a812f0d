// What the writers of all frames share: prefix, fixed part, extension blocks.
#pragma once

#include <limits>

#include "wire/byte_cursor.hpp"
#include "wire/layout.hpp"
#include "wire/packet.hpp"

namespace trestle::wire {

/// Where the payload of a frame goes: behind its header, or to the transport as a segment.
enum class PayloadPlace { in_buffer, apart };

/// Makes room for a frame at once and writes its prefix; the caller writes the rest of the header,
/// and the payload if it is in the buffer. The caller has checked that name and payload are within
/// the limits.
inline ByteWriter start_frame(Buffer& out, FrameKind kind, std::size_t header_bytes,
                              std::size_t payload_bytes,
                              PayloadPlace place = PayloadPlace::in_buffer,
                              std::uint8_t flags = 0) {
  const std::size_t frame_bytes = frame_prefix_bytes + header_bytes + payload_bytes;
  assert(header_bytes <= std::numeric_limits<std::uint16_t>::max());
  assert(frame_bytes <= std::numeric_limits<std::uint32_t>::max());
  const std::size_t room =
      place == PayloadPlace::in_buffer ? frame_bytes : frame_bytes - payload_bytes;
  const std::span bytes(out.extend(room), room);
  // The prefix as one number: one store.
  ByteWriter(bytes.first<frame_prefix_bytes>())
      .put(frame_bytes | std::uint64_t{static_cast<std::uint8_t>(kind)} << 32 |
           std::uint64_t{flags} << 40 | std::uint64_t{header_bytes} << 48);
  return ByteWriter(bytes.subspan(frame_prefix_bytes));
}

inline void put_extension(ByteWriter& header, std::uint16_t type, BytesView bytes) {
  header.put(type).put(static_cast<std::uint16_t>(bytes.size())).put(bytes);
}

}  // namespace trestle::wire
