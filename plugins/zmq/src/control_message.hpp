// What two ends of a connection say to each other beside packets: their few bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace trestle::zeromq {

/// Kinds of control messages; the character is the one on the wire.
enum class Control : char {
  hello = 'H',    ///< connecting side, first of all; number: largest packet it takes
  welcome = 'W',  ///< the answer to hello; number: largest packet it takes
  bye = 'B',      ///< nothing follows; the other side answers with its own and ends
  abort = 'A',    ///< the connection is over, and what was queued is dropped
  too_big = 'T',  ///< in the place of a packet above the other side's limit; number: its size
  noop = 'N',     ///< means nothing; shows the sender whether the way still exists
};

/// A control message, taken apart. It travels as two frames: an empty one, then this one.
struct ControlMessage {
  Control kind = Control::noop;
  std::uint64_t number = 0;
};

/// Layout: "TZ1", the kind, 8 bytes of number, little-endian.
inline constexpr std::size_t control_bytes = 12;
using ControlFrame = std::array<std::byte, control_bytes>;

ControlFrame encode(const ControlMessage& message) noexcept;

/// Nothing, if the frame begins otherwise. Longer frames are taken, their rest ignored; unknown
/// kinds are noops: so the protocol can grow.
std::optional<ControlMessage> decode_control(std::span<const std::byte> frame) noexcept;

}  // namespace trestle::zeromq
