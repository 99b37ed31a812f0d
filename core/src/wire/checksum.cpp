// Checksums of packets, made and compared.
#include "wire/checksum.hpp"

#include <array>
#include <cstdio>
#include <string>

#include "platform/crc32c.hpp"
#include "wire/byte_cursor.hpp"

namespace trestle::wire {
namespace {

constexpr std::size_t content_at = packet_header_bytes + checksum_bytes;

std::string hex(std::uint32_t sum) {
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", static_cast<unsigned>(sum));
  return text.data();
}

std::size_t size_of(const PacketView& packet) noexcept {
  std::size_t bytes = packet.first.size();
  for (const BytesView piece : packet.more) bytes += piece.size();
  return bytes;
}

Error damaged(const PacketView& packet, const std::string& what) {
  return Error(Errc::connection_lost,
               "a packet of " + std::to_string(size_of(packet)) + " bytes is damaged: " + what);
}

bool is_goodbye(const PacketView& packet) {
  PacketReader reader(packet, hello_frame_bytes_max);
  const auto frame = reader.next();
  return frame.has_value() && *frame && std::holds_alternative<Goodbye>(**frame);
}

}  // namespace

PacketSum::PacketSum(BytesView first) noexcept
    : value_(platform::crc32c(platform::crc32c(0, first.first(packet_header_bytes)),
                              first.subspan(content_at))) {}

void PacketSum::add(BytesView piece) noexcept {
  value_ = platform::crc32c(value_, piece);
}

void put_checksum(std::byte* packet, std::uint32_t sum) noexcept {
  ByteWriter({packet + packet_header_bytes, checksum_bytes}).put(sum);
}

std::uint32_t payload_sum(BytesView payload) noexcept {
  return platform::crc32c(0, payload);
}

Result<> check_payload(BytesView payload, std::uint32_t told) {
  const std::uint32_t found = payload_sum(payload);
  if (found == told) return {};
  return Error(Errc::connection_lost, "a payload of " + std::to_string(payload.size()) +
                                          " bytes that was read from the " +
                                          "peer is damaged: its checksum is " + hex(told) +
                                          ", its bytes make " + hex(found));
}

Result<> check_sum(const PacketView& packet, ChecksumRule rule) {
  if (!has_checksum(packet.first)) {
    if (rule == ChecksumRule::if_present || is_goodbye(packet)) return {};
    return damaged(packet, "it has no checksum, and both sides agreed on them");
  }
  if (packet.first.size() < content_at) {
    return damaged(packet, "its checksum does not fit into it");
  }
  PacketSum sum(packet.first);
  for (const BytesView piece : packet.more) sum.add(piece);
  const auto told =
      ByteReader(packet.first.subspan(packet_header_bytes, checksum_bytes)).get<std::uint32_t>();
  if (sum.value() == told) return {};
  return damaged(packet, "its checksum is " + hex(told) + ", its bytes make " + hex(sum.value()));
}

}  // namespace trestle::wire
