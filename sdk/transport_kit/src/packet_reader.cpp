// Decoding packets from a byte stream.
#include <trestle/transport_kit/packet_reader.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace trestle::transport_kit {
namespace {

/// The first bytes of a foreign protocol as a person recognises them: "GET ", \x16\x03.
std::string printable(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    if (value >= 0x20 && value < 0x7f) {
      out += static_cast<char>(value);
    } else {
      out += {'\\', 'x', digits[value >> 4], digits[value & 15]};
    }
  }
  return out;
}

}  // namespace

PacketReader::PacketReader(sdk::Host host, std::uint64_t packet_bytes_max)
    : host_(host),
      packet_bytes_max_(std::min(packet_bytes_max, framed_packet_bytes_max)),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(buffer_bytes)) {}

PacketReader::Step PacketReader::next() {
  if (error_.code != TT_OK) return {Outcome::failed, {}, nullptr};
  if (large_ != nullptr) return finish_large();
  if (!preamble_matches()) return refuse_foreign_peer();
  if (available() < sizeof(PacketHeader)) return {Outcome::need_more, {}, nullptr};

  const std::uint32_t length = packet_length(front());
  if (length == goodbye_length) {
    if (available() > sizeof(PacketHeader)) {
      return fail(TT_E_PROTOCOL, "the peer sent bytes after its goodbye");
    }
    return {Outcome::goodbye, {}, nullptr};
  }
  if (length > packet_bytes_max_) {
    return fail(TT_E_TOOBIG, "the peer announced a packet of " + std::to_string(length) +
                                 " bytes; the limit is " + std::to_string(packet_bytes_max_));
  }
  if (length > small_packet_bytes_max) return begin_large(length);
  if (available() < sizeof(PacketHeader) + length) return {Outcome::need_more, {}, nullptr};
  const std::span<const std::byte> bytes(front() + sizeof(PacketHeader), length);
  begin_ += sizeof(PacketHeader) + length;
  return {Outcome::packet, bytes, nullptr};
}

PacketReader::Step PacketReader::fail(tt_status code, std::string text) {
  error_ = sdk::Error(code, std::move(text));
  return {Outcome::failed, {}, nullptr};
}

bool PacketReader::preamble_matches() noexcept {
  while (preamble_seen_ < stream_preamble.size() && available() > 0) {
    if (*front() != stream_preamble[preamble_seen_]) return false;
    ++begin_;
    ++preamble_seen_;
  }
  return true;
}

PacketReader::Step PacketReader::refuse_foreign_peer() {
  // Nothing was recycled yet, so what matched still stands before begin_.
  const std::size_t shown = std::min<std::size_t>(end_, 16);
  return fail(TT_E_PROTOCOL, "the peer does not speak this protocol: its stream begins with \"" +
                                 printable({buffer_.get(), shown}) + "\"");
}

PacketReader::Step PacketReader::begin_large(std::size_t length) {
  large_ = ReceiveBuffer::allocate(host_, length);
  if (large_ == nullptr) {
    return fail(TT_E_NOMEM, "no memory for a packet of " + std::to_string(length) + " bytes");
  }
  begin_ += sizeof(PacketHeader);
  large_filled_ = std::min(available(), length);
  std::memcpy(large_->bytes().data(), front(), large_filled_);
  begin_ += large_filled_;
  return finish_large();
}

PacketReader::Step PacketReader::finish_large() noexcept {
  if (large_filled_ < large_->bytes().size()) return {Outcome::need_more, {}, nullptr};
  const std::span<const std::byte> bytes = large_->bytes();
  return {Outcome::packet, bytes, std::move(large_)};
}

std::array<std::span<std::byte>, 2> PacketReader::space() noexcept {
  const std::span<std::byte> tail(buffer_.get() + end_, buffer_bytes - end_);
  if (large_ == nullptr) return {tail, {}};
  return {large_->bytes().subspan(large_filled_), tail};
}

void PacketReader::commit(std::size_t count) noexcept {
  if (large_ != nullptr) {
    const std::size_t taken = std::min(count, large_->bytes().size() - large_filled_);
    large_filled_ += taken;
    count -= taken;
  }
  end_ += count;
}

void PacketReader::recycle() noexcept {
  if (preamble_seen_ < stream_preamble.size()) return;
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > 0 && buffer_bytes - begin_ < sizeof(PacketHeader) + small_packet_bytes_max) {
    // Moving costs at most one small packet, and buys room for the rest of it.
    std::memmove(buffer_.get(), front(), available());
    end_ -= begin_;
    begin_ = 0;
  }
}

}  // namespace trestle::transport_kit
