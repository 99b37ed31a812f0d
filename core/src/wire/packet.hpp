// Packets are trains of length-prefixed frames. No I/O here: bytes in, values out, and back.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "wire/buffer.hpp"
#include "wire/frame.hpp"
#include "wire/layout.hpp"

namespace trestle::wire {

/// Every packet starts with this many bytes.
inline constexpr std::size_t packet_header_bytes = 8;
/// The bytes of a checksum, behind the header of its packet.
inline constexpr std::size_t checksum_bytes = 4;
/// A handler's name is at most this long.
inline constexpr std::size_t handler_name_bytes_max = 1024;
/// The names of types in expectations and contracts are at most this long.
inline constexpr std::size_t type_name_bytes_max = 255;
/// Texts of nack and goodbye are at most this long.
inline constexpr std::size_t text_bytes_max = 1024;
/// A hello advertises at most this many endpoints, each of at most so many bytes.
inline constexpr std::size_t hello_endpoints_max = 16;
inline constexpr std::size_t endpoint_bytes_max = 255;
/// The authentication of a hello is at most this long.
inline constexpr std::size_t authentication_bytes_max = 1024;
/// Before hello, frames are at most this long.
inline constexpr std::size_t hello_frame_bytes_max = 4096;
/// The first packet of whoever opened a connection, which has its hello.
inline constexpr std::size_t first_packet_bytes_max = 64 * 1024;

/// Whether a packet has a checksum of its bytes.
enum class PacketStyle : std::uint8_t { plain, summed };

/// What begin_packet() appends.
constexpr std::size_t packet_start_bytes(PacketStyle style) noexcept {
  return packet_header_bytes + (style == PacketStyle::summed ? checksum_bytes : 0);
}

/// A packet header, and room for the checksum.
inline constexpr auto summed_packet_start = [] {
  std::array<std::byte, packet_start_bytes(PacketStyle::summed)> start{};
  std::ranges::copy(packet_magic, start.begin());
  start[4] = std::byte{protocol_version};
  start[5] = std::byte{packet_has_checksum};
  return start;
}();
/// A packet header.
inline constexpr auto plain_packet_start = [] {
  std::array<std::byte, packet_start_bytes(PacketStyle::plain)> start{};
  std::ranges::copy_n(summed_packet_start.begin(), start.size(), start.begin());
  start[5] = std::byte{0};
  return start;
}();

/// Appends a packet header, and room for the checksum if it has one.
inline void begin_packet(Buffer& out, PacketStyle style = PacketStyle::plain) {
  const auto put = [&out](const auto& start) {
    std::memcpy(out.extend(start.size()), start.data(), start.size());
  };
  style == PacketStyle::plain ? put(plain_packet_start) : put(summed_packet_start);
}

/// Appends a hello. Errors: invalid_argument naming a value above its limit, or a frame above
/// `hello_frame_bytes_max`; nothing is appended then.
[[nodiscard]] Result<> append(Buffer& out, const Hello& frame);

/// Appends one frame. Request and Reply: with their payload.
/// Over-long texts and names of types are cut at a UTF-8 boundary. The caller has checked that a
/// Request's name is within `handler_name_bytes_max`, the headers of a Request or Reply by
/// Headers::check(), and that `encoded_bytes` is within what the peer takes.
void append(Buffer& out, const Request& frame);
void append(Buffer& out, const Accepted& frame);
void append(Buffer& out, const Ack& frame);
void append(Buffer& out, const Nack& frame);
void append(Buffer& out, const Reply& frame);
void append(Buffer& out, const Cancel& frame);
void append(Buffer& out, const Ping& frame);
void append(Buffer& out, const Pong& frame);
void append(Buffer& out, const Goodbye& frame);
void append(Buffer& out, const Window& frame);
void append(Buffer& out, const Pull& frame);
void append(Buffer& out, const Pulled& frame);

/// Appends all of a frame but its payload, which the sender adds as a gather segment of its own.
void append_without_payload(Buffer& out, const Request& frame);
void append_without_payload(Buffer& out, const Reply& frame);

/// Turns a frame that was appended at `frame` into one that every reader skips.
inline void void_frame(std::byte* frame) noexcept {
  frame[4] = std::byte{0};
}

/// Bytes of a Request that has a handler's name, a payload and nothing else.
constexpr std::size_t named_request_bytes(std::size_t name_bytes,
                                          std::size_t payload_bytes) noexcept {
  return frame_prefix_bytes + fixed_bytes::request +
         (name_bytes != 0 ? extension_prefix_bytes + name_bytes : 0) + payload_bytes;
}

/// Bytes that the frame takes in a packet, payload included.
std::size_t encoded_bytes(const Request& frame) noexcept;
std::size_t encoded_bytes(const Accepted& frame) noexcept;
std::size_t encoded_bytes(const Reply& frame) noexcept;
std::size_t encoded_bytes(const Pull& frame) noexcept;

/// A request with a handler's number and nothing else in its header, a reply, or an ack: what
/// nearly all frames are once a connection is open.
struct PlainFrame {
  FrameKind kind{};             ///< request, reply or ack
  DeliveryMode mode{};          ///< of a request
  Codec codec{};                ///< of a request or a reply
  std::uint32_t handler = 0;    ///< of a request; never 0 there
  std::uint32_t deadline_ms{};  ///< of a request
  CallId call{};
  BytesView payload{};  ///< of a request or a reply
};

/// The bytes of one packet: most often in one piece. In several, only payloads may be pieces of
/// their own: each frame's header lies within one piece, and its payload follows it there or is
/// exactly the next piece.
struct PacketView {
  PacketView(BytesView bytes) noexcept : first(bytes) {}
  PacketView(BytesView head, std::span<const BytesView> rest) noexcept : first(head), more(rest) {}

  /// Whether pieces are cut like that; if not, they must be put together to be read.
  static bool is_readable(std::span<const BytesView> pieces) noexcept;

  BytesView first;
  std::span<const BytesView> more{};
};

/// Walks the frames of one packet in place: views in the frames point into the packet.
/// Allocates for hello, headers, errors, Rejected and UnusableReply only. Does not compare
/// checksums of packets: see check_sum().
class PacketReader {
 public:
  /// `frame_bytes_max`: limit on one frame, prefix included.
  PacketReader(const PacketView& packet, std::size_t frame_bytes_max) noexcept
      : piece_(packet.first.data()),
        piece_end_(piece_ + packet.first.size()),
        more_(packet.more.data()),
        more_end_(more_ + packet.more.size()),
        frame_bytes_max_(frame_bytes_max) {}

  /// Another limit for the frames that follow.
  void limit_frames(std::size_t frame_bytes_max) noexcept { frame_bytes_max_ = frame_bytes_max; }

  /// The next frame if it is a plain one: the same as next() would yield, ten times as fast. Null,
  /// and nothing is read, if next() has to look. Lifetime: until the next call.
  const PlainFrame* next_plain() noexcept;

  /// True once all frames were read: next() would yield none.
  bool at_end() const noexcept {
    return header_read_ && offset_ == piece_bytes() && more_ == more_end_;
  }

  /// True if no piece follows the present one: what a plain frame carries lies behind its header.
  bool is_in_last_piece() const noexcept { return more_ == more_end_; }

  /// The piece that holds the next frame, from its start, and the pieces after it.
  PacketView unread() const noexcept {
    return {BytesView(piece_, piece_end_), std::span(more_, more_end_)};
  }
  /// The bytes of unread() lie there from now on.
  void move_to(const PacketView& unread) noexcept {
    piece_ = unread.first.data();
    piece_end_ = piece_ + unread.first.size();
    more_ = unread.more.data();
    more_end_ = more_ + unread.more.size();
  }

  /// The next frame; empty at the end of the packet.
  /// Errors: protocol_error naming frame, field, value and limit. version_mismatch: a packet of
  /// another protocol version, or not Trestle at all. The reader is then at its end, and the
  /// connection is not to be trusted further.
  [[nodiscard]] Result<std::optional<Frame>> next();

 private:
  Result<std::optional<Frame>> next_frame();
  BytesView take_piece() noexcept;
  void skip_finished_piece() noexcept;
  std::size_t piece_bytes() const noexcept { return static_cast<std::size_t>(piece_end_ - piece_); }

  // Begin and end, where spans would be copied as a whole: the load of 16 bytes would wait until
  // both of its halves, which were stored one by one a moment ago, have reached the cache.
  const std::byte* piece_;  // the present one
  const std::byte* piece_end_;
  const BytesView* more_;
  const BytesView* more_end_;
  std::size_t offset_ = 0;  // in the present piece
  std::size_t frame_bytes_max_;
  bool header_read_ = false;
  PlainFrame plain_;
};

}  // namespace trestle::wire
