// Reading and writing frames.
#include "frame_stream.hpp"

#include "endpoint.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace bare {

std::vector<std::byte> make_frame(std::size_t size, Wanted wanted) {
  std::vector<std::byte> frame(sizeof(FrameHeader) + size, std::byte{0x5a});
  const FrameHeader header{static_cast<std::uint32_t>(size), wanted};
  std::memcpy(frame.data(), &header, sizeof(header));
  return frame;
}

FrameHeader FrameReader::header_at_begin() const noexcept {
  FrameHeader header;
  std::memcpy(&header, buffer_.data() + begin_, sizeof(header));
  return header;
}

FrameReader::Reading FrameReader::read_from(int socket) {
  const std::size_t kept = end_ - begin_;
  if (begin_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, kept);
    begin_ = 0;
    end_ = kept;
  }
  std::size_t space = chunk_bytes - std::min(kept, chunk_bytes);
  if (kept >= sizeof(FrameHeader)) {
    const std::size_t whole = sizeof(FrameHeader) + header_at_begin().size;
    if (whole > buffer_.size()) buffer_.resize(whole);
    // To the end of a large frame and no further, so that nothing has to be moved afterwards.
    if (whole > chunk_bytes) space = whole - kept;
  }
  const ssize_t got = read(socket, buffer_.data() + end_, space);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Reading::nothing_yet;
  if (got <= 0) return Reading::ended;
  end_ += static_cast<std::size_t>(got);
  return Reading::some;
}

std::optional<Frame> FrameReader::next() noexcept {
  if (end_ - begin_ < sizeof(FrameHeader)) return std::nullopt;
  const FrameHeader header = header_at_begin();
  const std::size_t whole = sizeof(header) + header.size;
  if (end_ - begin_ < whole) return std::nullopt;
  const Frame frame{header, {buffer_.data() + begin_, whole}};
  begin_ += whole;
  return frame;
}

void write_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN && errno != EINTR) fail("write");
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

}  // namespace bare
