// Numbers of the wire layout that writer and reader share. Bytes: docs/wire_protocol.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace trestle::wire {

inline constexpr std::array packet_magic{std::byte{'T'}, std::byte{'R'}, std::byte{'S'},
                                         std::byte{'L'}};

/// Flag of a packet: four bytes of checksum follow its header.
inline constexpr std::uint8_t packet_has_checksum = 0x01;

/// Features of a hello.
namespace feature {
/// Its sender reads packets that have checksums; it asks for them.
inline constexpr std::uint64_t checksums = 1u << 0;
inline constexpr std::uint64_t wants_checksums = 1u << 1;
/// Its sender reads payloads out of the peer's memory, see Pull.
inline constexpr std::uint64_t bulk = 1u << 2;
}  // namespace feature

/// Frame length, kind, flags, header length.
inline constexpr std::size_t frame_prefix_bytes = 8;

/// Sizes of the fixed parts of frame headers; extension blocks follow them.
namespace fixed_bytes {
inline constexpr std::size_t hello = 64;
inline constexpr std::size_t request = 24;
inline constexpr std::size_t reply = 16;
inline constexpr std::size_t nack = 16;
inline constexpr std::size_t call_only = 8;  // accepted, ack, cancel
inline constexpr std::size_t cookie = 8;     // ping, pong
inline constexpr std::size_t goodbye = 8;
inline constexpr std::size_t window = 8;
inline constexpr std::size_t pull = 24;
inline constexpr std::size_t pulled = 8;
}  // namespace fixed_bytes

static_assert(frame_prefix_bytes + fixed_bytes::request <= 48, "the hot request header is bounded");

/// Flags of a request.
inline constexpr std::uint8_t request_wants_accepted = 0x01;

/// Flags of a frame that a reader must know or else refuse the frame.
inline constexpr std::uint8_t must_understand_flags = 0xF0;

/// Type and length in front of each extension block.
inline constexpr std::size_t extension_prefix_bytes = 4;
/// Blocks of a type with this bit must be known; others are skipped when unknown.
inline constexpr std::uint16_t must_understand_extension = 0x8000;

/// Types of extension blocks; each kind of frame numbers its own.
namespace extension_type {
inline constexpr std::uint16_t request_handler_name = 1;
inline constexpr std::uint16_t header = 2;  // of request and reply
inline constexpr std::uint16_t request_expectation = 3;
inline constexpr std::uint16_t accepted_contract = 1;
inline constexpr std::uint16_t hello_endpoint = 1;
inline constexpr std::uint16_t hello_authentication = 2;
inline constexpr std::uint16_t hello_checksum = 3;
inline constexpr std::uint16_t pull_checksum = 1;
}  // namespace extension_type

}  // namespace trestle::wire
