// Bytes in to values: the packet header, and where each frame begins and ends.
#include "wire/frame_decoder.hpp"

#include "wire/checksum.hpp"

namespace trestle::wire {
namespace {

std::string hex_dump(BytesView bytes) {
  constexpr std::string_view digit = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    if (!text.empty()) text += ' ';
    text += digit[std::to_integer<unsigned>(byte) >> 4];
    text += digit[std::to_integer<unsigned>(byte) & 0xF];
  }
  return text;
}

/// Where the frames of a packet begin.
std::size_t content_start(BytesView packet) noexcept {
  return packet_header_bytes + (has_checksum(packet) ? checksum_bytes : 0);
}

Result<> check_packet_header(BytesView packet) {
  const BytesView start = packet.first(std::min(packet.size(), packet_magic.size()));
  if (!std::ranges::equal(start, BytesView(packet_magic).first(start.size()))) {
    return Error(Errc::version_mismatch, "not a Trestle packet: it starts with " + hex_dump(start) +
                                             " instead of " + hex_dump(packet_magic));
  }
  if (packet.size() < packet_header_bytes) {
    return Error(Errc::protocol_error, "packet of " + std::to_string(packet.size()) +
                                           " bytes is shorter than its header of " +
                                           std::to_string(packet_header_bytes));
  }
  ByteReader rest(packet.subspan(packet_magic.size()));
  const auto version = rest.get<std::uint8_t>();
  if (version != protocol_version) {
    return Error(Errc::version_mismatch, "packet of protocol version " + std::to_string(version) +
                                             ", this node speaks version " +
                                             std::to_string(protocol_version));
  }
  const auto flags = rest.get<std::uint8_t>();
  if ((flags & ~packet_has_checksum) != 0) {
    return Error(Errc::protocol_error, "packet flags " + std::to_string(flags) +
                                           " are unknown, only the checksum's is defined");
  }
  if (packet.size() < content_start(packet)) {
    return Error(Errc::protocol_error,
                 "packet of " + std::to_string(packet.size()) + " bytes ends within its checksum");
  }
  return {};
}

/// Checks one frame's lengths and moves `packet` behind it. `detached`: the next piece of the
/// packet, set to none if it is this frame's payload.
Result<FrameParts> take_frame(ByteReader& packet, std::size_t offset, std::size_t frame_bytes_max,
                              std::optional<BytesView>& detached) {
  const std::size_t available = packet.size();
  if (available < frame_prefix_bytes) {
    return Error(Errc::protocol_error, "frame at byte " + std::to_string(offset) + ": " +
                                           std::to_string(available) +
                                           " bytes are left, a frame's prefix takes " +
                                           std::to_string(frame_prefix_bytes));
  }
  const auto frame_bytes = packet.get<std::uint32_t>();
  FrameParts parts;
  parts.offset = offset;
  parts.kind = packet.get<std::uint8_t>();
  parts.flags = packet.get<std::uint8_t>();
  const auto header_bytes = packet.get<std::uint16_t>();

  const auto wrong = [&parts](std::string_view field, std::size_t value, std::string_view relation,
                              std::size_t bound) {
    return frame_error(parts, std::string(field) + " is " + std::to_string(value) + ", " +
                                  std::string(relation) + " " + std::to_string(bound));
  };
  if (frame_bytes > frame_bytes_max) {
    return wrong("frame_bytes", frame_bytes, "above the limit of", frame_bytes_max);
  }
  const bool is_cut = detached && available == frame_prefix_bytes + header_bytes &&
                      frame_bytes == available + detached->size();
  if (frame_bytes > available && !is_cut) {
    return wrong("frame_bytes", frame_bytes, "left in the packet are", available);
  }
  if (frame_bytes < frame_prefix_bytes) {
    return wrong("frame_bytes", frame_bytes, "the prefix alone takes", frame_prefix_bytes);
  }
  const std::size_t body_bytes = frame_bytes - frame_prefix_bytes;
  if (header_bytes > body_bytes) {
    return wrong("header_bytes", header_bytes, "left in the frame are", body_bytes);
  }
  const std::size_t fixed = fixed_bytes_of(parts.kind);
  if (header_bytes < fixed) {
    return wrong("header_bytes", header_bytes, "the fixed part takes", fixed);
  }
  const BytesView header = packet.take(header_bytes);
  parts.payload = is_cut ? *detached : packet.take(body_bytes - header_bytes);
  if (is_cut) detached.reset();
  parts.fixed = header.first(fixed);
  parts.extensions = header.subspan(fixed);
  return parts;
}

template <std::unsigned_integral T>
T load(const std::byte* at) noexcept {
  std::array<std::byte, sizeof(T)> little;
  std::memcpy(little.data(), at, sizeof(T));
  return std::bit_cast<T>(swapped_on_big_endian(little));
}

/// Magic, version and flags of a packet as one number; what follows is for later versions.
constexpr std::uint64_t packet_start_mask = 0x0000'FFFF'FFFF'FFFF;
constexpr std::uint64_t packet_checksum_bit = std::uint64_t{packet_has_checksum} << 40;
constexpr std::uint64_t packet_start = [] {
  std::uint64_t start = std::uint64_t{protocol_version} << 32;
  for (std::size_t i = 0; i < packet_magic.size(); ++i) {
    start |= std::uint64_t{std::to_integer<std::uint8_t>(packet_magic[i])} << (8 * i);
  }
  return start;
}();

/// Kind, flags and header length of a frame without flags and extensions, as one number.
constexpr std::uint32_t plain_prefix(FrameKind kind, std::size_t fixed) noexcept {
  return std::uint32_t{static_cast<std::uint8_t>(kind)} | static_cast<std::uint32_t>(fixed) << 16;
}

/// `at` holds a frame of `frame_bytes`, or the header of one if so many are not there. False if
/// there is more to say about it.
bool read_plain(const std::byte* at, std::size_t frame_bytes, std::size_t available,
                PlainFrame& frame) noexcept {
  const std::byte* const fixed = at + frame_prefix_bytes;
  std::size_t header_end = frame_prefix_bytes;
  switch (load<std::uint32_t>(at + 4)) {
    case plain_prefix(FrameKind::request, fixed_bytes::request):
      header_end += fixed_bytes::request;
      if (std::min(frame_bytes, available) < header_end) return false;
      frame.kind = FrameKind::request;
      frame.handler = load<std::uint32_t>(fixed + 8);
      frame.mode = DeliveryMode{load<std::uint8_t>(fixed + 12)};
      frame.codec = Codec{load<std::uint8_t>(fixed + 13)};
      frame.deadline_ms = load<std::uint32_t>(fixed + 16);
      if (frame.handler == 0 || frame.mode > DeliveryMode::with_receipt_and_response) return false;
      break;
    case plain_prefix(FrameKind::reply, fixed_bytes::reply):
      header_end += fixed_bytes::reply;
      if (std::min(frame_bytes, available) < header_end) return false;
      frame.kind = FrameKind::reply;
      frame.codec = Codec{load<std::uint8_t>(fixed + 8)};
      break;
    case plain_prefix(FrameKind::ack, fixed_bytes::call_only):
      header_end += fixed_bytes::call_only;
      if (frame_bytes != header_end || available < header_end) return false;
      frame.kind = FrameKind::ack;
      frame.codec = Codec::bytes;
      break;
    default:
      return false;
  }
  if (frame.codec > Codec::json) return false;
  if (frame_bytes > available && header_end != available) return false;
  frame.call.value = load<std::uint64_t>(fixed);
  frame.payload = {at + header_end, std::min(frame_bytes, available) - header_end};
  return true;
}

}  // namespace

const PlainFrame* PacketReader::next_plain() noexcept {
  if (!header_read_) {
    if (piece_bytes() < packet_header_bytes) return nullptr;
    const std::uint64_t start = load<std::uint64_t>(piece_) & packet_start_mask;
    if ((start & ~packet_checksum_bit) != packet_start) return nullptr;
    const std::size_t content = content_start({piece_, packet_header_bytes});
    if (piece_bytes() < content) return nullptr;
    header_read_ = true;
    offset_ = content;
  }
  const std::byte* const at = piece_ + offset_;
  const std::size_t available = piece_bytes() - offset_;
  if (available < frame_prefix_bytes) return nullptr;
  const std::size_t frame_bytes = load<std::uint32_t>(at);
  if (frame_bytes > frame_bytes_max_) return nullptr;
  const bool is_cut = frame_bytes > available;
  if (is_cut && (more_ == more_end_ || frame_bytes != available + more_->size())) return nullptr;
  if (!read_plain(at, frame_bytes, available, plain_)) return nullptr;
  if (is_cut) {
    plain_.payload = take_piece();
  } else {
    offset_ += frame_bytes;
  }
  return &plain_;
}

/// The next piece, which is a payload; what is behind it becomes the present one.
BytesView PacketReader::take_piece() noexcept {
  const BytesView taken = *more_++;
  offset_ = piece_bytes();
  skip_finished_piece();
  return taken;
}

void PacketReader::skip_finished_piece() noexcept {
  if (offset_ != piece_bytes() || more_ == more_end_) return;
  piece_ = more_->data();
  piece_end_ = piece_ + more_->size();
  ++more_;
  offset_ = 0;
}

bool PacketView::is_readable(std::span<const BytesView> pieces) noexcept {
  std::size_t offset = pieces.empty() ? 0 : content_start(pieces.front());
  while (!pieces.empty()) {
    const BytesView piece = pieces.front();
    pieces = pieces.subspan(1);
    while (offset < piece.size()) {
      const std::size_t available = piece.size() - offset;
      if (available < frame_prefix_bytes) return false;
      const std::size_t frame_bytes = load<std::uint32_t>(piece.data() + offset);
      if (frame_bytes < frame_prefix_bytes) return true;  // the reader says what is wrong with it
      if (frame_bytes > available) {
        const std::size_t header = load<std::uint16_t>(piece.data() + offset + 6);
        if (pieces.empty() || available != frame_prefix_bytes + header) return false;
        if (frame_bytes != available + pieces.front().size()) return false;
        pieces = pieces.subspan(1);
        offset = piece.size();
        break;
      }
      offset += frame_bytes;
    }
    if (offset != piece.size()) return false;
    offset = 0;
  }
  return true;
}

Result<std::optional<Frame>> PacketReader::next() {
  if (!header_read_) {
    header_read_ = true;
    if (auto header = check_packet_header({piece_, piece_end_}); !header) {
      offset_ = piece_bytes();
      return header.error();
    }
    offset_ = content_start({piece_, piece_end_});
  }
  skip_finished_piece();
  if (offset_ == piece_bytes()) return std::optional<Frame>();
  return next_frame();
}

Result<std::optional<Frame>> PacketReader::next_frame() {
  ByteReader rest({piece_ + offset_, piece_end_});
  std::optional<BytesView> detached;
  if (more_ != more_end_) detached = *more_;
  const bool had_piece = detached.has_value();
  const auto parts = take_frame(rest, offset_, frame_bytes_max_, detached);
  auto frame = parts ? decode_frame(*parts) : Decoded(parts.error());
  if (!frame) {
    offset_ = piece_bytes();
    more_ = more_end_;
    return frame;
  }
  offset_ = piece_bytes() - rest.size();
  if (had_piece && !detached) take_piece();
  return frame;
}

}  // namespace trestle::wire
