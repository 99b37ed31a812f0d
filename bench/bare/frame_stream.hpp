// Frames on a stream socket: an 8-byte header and a payload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace bare {

enum class Wanted : std::uint32_t { echo, nothing };

struct FrameHeader {
  std::uint32_t size = 0;  ///< bytes of payload behind the header
  Wanted wanted = Wanted::echo;
};
static_assert(sizeof(FrameHeader) == 8);

struct Frame {
  FrameHeader header;
  std::span<const std::byte> bytes;  ///< header and payload, valid until the next read
};

/// A whole frame with a payload of `size` bytes.
std::vector<std::byte> make_frame(std::size_t size, Wanted wanted);

/// Takes frames out of a socket with as few reads as there can be: 64 KiB at once, and the rest of
/// a larger frame straight to where it belongs.
class FrameReader {
 public:
  FrameReader() : buffer_(chunk_bytes) {}

  enum class Reading { some, nothing_yet, ended };
  /// One read().
  Reading read_from(int socket);

  /// The next frame that has arrived as a whole.
  std::optional<Frame> next() noexcept;

 private:
  static constexpr std::size_t chunk_bytes = 64 * 1024;

  FrameHeader header_at_begin() const noexcept;

  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // of what is not consumed yet
  std::size_t end_ = 0;
};

/// Writes all of it. On a non-blocking socket it spins while there is no room.
void write_all(int socket, std::span<const std::byte> bytes);

}  // namespace bare
