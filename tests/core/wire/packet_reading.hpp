// Packets made of frame values, and read back frame by frame from memory of their exact size.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "packet_bytes.hpp"

namespace trestle::wire::testing {

/// Appends what can be written; frames that only readers make add nothing.
inline void append_any(Bytes& out, const Frame& frame) {
  std::visit(
      [&out](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (requires(Buffer buffer, T t) { wire::append(buffer, t); }) append(out, value);
      },
      frame);
}

template <class... Frames>
Bytes packet_of(const Frames&... frames) {
  Bytes out;
  begin_packet(out);
  (append_any(out, Frame(frames)), ...);
  return out;
}

/// All frames of one packet, the error that ended it, and the bytes that the frames point into.
struct Reading {
  std::unique_ptr<std::byte[]> bytes;
  std::vector<Frame> frames;
  std::optional<Error> error;
  std::size_t plain_frames = 0;
};

inline constexpr std::size_t test_frame_bytes_max = 1 << 20;

/// The frame that PacketReader::next would have yielded for a plain one.
inline Frame frame_of(const PlainFrame& plain) {
  if (plain.kind == FrameKind::ack) return Ack{plain.call};
  if (plain.kind == FrameKind::reply) return Reply{plain.call, plain.codec, plain.payload};
  return Request{.call = plain.call,
                 .handler = plain.handler,
                 .mode = plain.mode,
                 .codec = plain.codec,
                 .deadline_ms = plain.deadline_ms,
                 .payload = plain.payload};
}

/// How a packet is read: every frame by next(), or what is plain by next_plain().
enum class Path { full, plain_first };

/// Reads a copy of `packet` that has not a byte more, so that a sanitizer sees each overread.
inline Reading read(BytesView packet, std::size_t frame_bytes_max = test_frame_bytes_max,
                    Path path = Path::full) {
  Reading reading;
  reading.bytes = std::make_unique<std::byte[]>(packet.size());
  std::ranges::copy(packet, reading.bytes.get());
  PacketReader reader(BytesView(reading.bytes.get(), packet.size()), frame_bytes_max);
  for (;;) {
    if (path == Path::plain_first) {
      while (const PlainFrame* plain = reader.next_plain()) {
        ++reading.plain_frames;
        reading.frames.push_back(frame_of(*plain));
      }
      if (reader.at_end()) return reading;
    }
    auto next = reader.next();
    if (!next) {
      reading.error = std::move(next).error();
      return reading;
    }
    if (!*next) return reading;
    reading.frames.push_back(std::move(**next));
  }
}

/// What differs between two readings; empty if nothing.
inline std::string difference(const Reading& a, const Reading& b) {
  const auto text = [](const Reading& r) { return r.error ? r.error->text : std::string(); };
  if (text(a) != text(b)) return "error '" + text(a) + "' and '" + text(b) + "'";
  if (a.frames.size() != b.frames.size()) return "number of frames";
  for (std::size_t i = 0; i < a.frames.size(); ++i) {
    const std::string which = "frame " + std::to_string(i);
    if (a.frames[i].index() != b.frames[i].index()) return "kind of " + which;
    if (packet_of(a.frames[i]) != packet_of(b.frames[i])) return "bytes of " + which;
  }
  return {};
}

}  // namespace trestle::wire::testing
