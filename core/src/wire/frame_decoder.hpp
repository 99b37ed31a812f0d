// One frame's parts to its value, by kind.
#pragma once

#include "wire/frame_parts.hpp"

namespace trestle::wire {

/// Bytes of the fixed part of this kind's header; 0 for a kind that is unknown.
std::size_t fixed_bytes_of(std::uint8_t kind) noexcept;

/// Errors: protocol_error about a frame that is malformed, or that asks for more than this version
/// understands and cannot be answered.
Decoded decode_frame(const FrameParts& parts);

}  // namespace trestle::wire
