// The few bytes of control, little-endian.
#include "message_tag.hpp"

#include <algorithm>

namespace trestle::ofi {
namespace {

/// "TO3" and a byte that no version uses.
constexpr std::uint32_t magic = 0x00334F54;

template <std::size_t Size>
void put(std::array<std::byte, Size>& out, std::size_t at, std::uint64_t value,
         std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; ++i) out[at + i] = static_cast<std::byte>(value >> (8 * i));
}

std::uint64_t get(std::span<const std::byte> in, std::size_t at, std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value |= static_cast<std::uint64_t>(in[at + i]) << (8 * i);
  }
  return value;
}

}  // namespace

Greeting::Encoded Greeting::encode() const noexcept {
  Encoded out{};
  put(out, 0, magic, 4);
  put(out, 4, buffers, 4);
  put(out, 8, buffer_bytes, 4);
  return out;
}

std::optional<Greeting> Greeting::decode(std::span<const std::byte> bytes) noexcept {
  // Some providers pad what they carry, so more is no error.
  if (bytes.size() < encoded_bytes || get(bytes, 0, 4) != magic) return std::nullopt;
  const Greeting said{static_cast<std::uint32_t>(get(bytes, 4, 4)),
                      static_cast<std::uint32_t>(get(bytes, 8, 4))};
  const bool sane = said.buffers > control_credits && said.buffers <= buffers_max &&
                    said.buffer_bytes >= Grant::encoded_bytes;
  return sane ? std::optional(said) : std::nullopt;
}

std::array<std::byte, PacketLength::encoded_bytes> PacketLength::encode() const noexcept {
  std::array<std::byte, encoded_bytes> out{};
  put(out, 0, bytes, 8);
  return out;
}

std::optional<PacketLength> PacketLength::decode(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() != encoded_bytes) return std::nullopt;
  return PacketLength{get(bytes, 0, 8)};
}

RoomReport::Encoded RoomReport::encode() const {
  std::array<std::byte, encoded_bytes_max> out{};
  put(out, 0, taken, 8);
  std::size_t end = header_bytes;
  for (const Room& room : rooms) {
    put(out, end, room.number, 8);
    put(out, end + 8, room.bytes, 8);
    end += Room::encoded_bytes;
  }
  return Encoded(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(end));
}

std::optional<RoomReport> RoomReport::decode(std::span<const std::byte> bytes) {
  if (bytes.size() < header_bytes || bytes.size() > encoded_bytes_max ||
      (bytes.size() - header_bytes) % Room::encoded_bytes != 0) {
    return std::nullopt;
  }
  RoomReport report{.taken = get(bytes, 0, 8), .rooms = {}};
  for (std::size_t at = header_bytes; at < bytes.size(); at += Room::encoded_bytes) {
    report.rooms.push_back({get(bytes, at, 8), get(bytes, at + 8, 8)});
  }
  return report;
}

std::array<std::byte, Grant::encoded_bytes> Grant::encode() const noexcept {
  std::array<std::byte, encoded_bytes> out{};
  put(out, 0, number, 8);
  put(out, 8, offset, 8);
  put(out, 16, bytes, 8);
  return out;
}

std::optional<Grant> Grant::decode(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() != encoded_bytes) return std::nullopt;
  return Grant{get(bytes, 0, 8), get(bytes, 8, 8), get(bytes, 16, 8)};
}

}  // namespace trestle::ofi
