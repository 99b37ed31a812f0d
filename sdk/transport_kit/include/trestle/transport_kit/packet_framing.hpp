// How packets travel on a byte stream: a preamble, then length-prefixed packets, then a goodbye.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace trestle::transport_kit {

/// The first bytes in each direction. No text protocol and no TLS record begins like this, so a
/// foreign peer is told apart by its first byte.
inline constexpr std::array<std::byte, 4> stream_preamble{std::byte{0xAB}, std::byte{'T'},
                                                          std::byte{'S'}, std::byte{'1'}};

/// What precedes a packet: its length in bytes, little-endian.
using PacketHeader = std::array<std::byte, 4>;

/// The length that stands for "nothing follows": how an orderly close differs from a death.
inline constexpr std::uint32_t goodbye_length = 0xFFFF'FFFF;

/// Bytes; the largest packet that the prefix can announce.
inline constexpr std::uint64_t framed_packet_bytes_max = goodbye_length - 1;

/// The header for a packet of `length` bytes, or the goodbye.
constexpr PacketHeader packet_header(std::uint32_t length) noexcept {
  return {static_cast<std::byte>(length), static_cast<std::byte>(length >> 8),
          static_cast<std::byte>(length >> 16), static_cast<std::byte>(length >> 24)};
}

/// The length in the four bytes at `bytes`.
constexpr std::uint32_t packet_length(const std::byte* bytes) noexcept {
  return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
         static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

}  // namespace trestle::transport_kit
