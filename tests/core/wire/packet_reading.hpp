// Packets made of frame values, and read back frame by frame from memory of their exact size.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "wire/packet.hpp"

namespace trestle::wire::testing {

/// Appends what can be written; frames that only readers make add nothing.
inline void append_any(Buffer& out, const Frame& frame) {
  std::visit(
      [&out](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Hello>) {
          append(out, value).value();
        } else if constexpr (requires { append(out, value); }) {
          append(out, value);
        }
      },
      frame);
}

template <class... Frames>
Buffer packet_of(const Frames&... frames) {
  Buffer out;
  begin_packet(out);
  (append_any(out, Frame(frames)), ...);
  return out;
}

/// All frames of one packet, the error that ended it, and the bytes that the frames point into.
struct Reading {
  std::unique_ptr<std::byte[]> bytes;
  std::vector<Frame> frames;
  std::optional<Error> error;
};

inline constexpr std::size_t test_frame_bytes_max = 1 << 20;

/// Reads a copy of `packet` that has not a byte more, so that a sanitizer sees each overread.
inline Reading read(BytesView packet, std::size_t frame_bytes_max = test_frame_bytes_max) {
  Reading reading;
  reading.bytes = std::make_unique<std::byte[]>(packet.size());
  std::ranges::copy(packet, reading.bytes.get());
  PacketReader reader(BytesView(reading.bytes.get(), packet.size()), frame_bytes_max);
  for (;;) {
    auto next = reader.next();
    if (!next) {
      reading.error = std::move(next).error();
      return reading;
    }
    if (!*next) return reading;
    reading.frames.push_back(std::move(**next));
  }
}

}  // namespace trestle::wire::testing
