// What the messages of the play look like.
#pragma once

#include <trestle/payload.hpp>

#include <cstdint>
#include <cstring>
#include <optional>

namespace trestle::scenarios {

/// Which message of whom. Padding makes some of them large.
struct Mark {
  std::uint64_t client = 0;
  std::uint64_t number = 0;
};

/// A payload that begins with the mark.
inline Payload marked(const Mark& mark, std::size_t bytes) {
  auto buffer = std::make_unique<std::byte[]>(bytes);
  std::memcpy(buffer.get(), &mark, sizeof(mark));
  return Payload::take(std::move(buffer), bytes);
}

/// Nothing if it is too short to have one.
inline std::optional<Mark> mark_of(BytesView bytes) {
  Mark mark;
  if (bytes.size() < sizeof(mark)) return std::nullopt;
  std::memcpy(&mark, bytes.data(), sizeof(mark));
  return mark;
}

}  // namespace trestle::scenarios
