// What both sides say beside the bytes: the greeting at the start, and a tag with each message.
#pragma once

#include <array>
#include <boost/container/static_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace trestle::ofi {

/// What a message is. Numbers are on the wire.
enum class MessageKind : std::uint32_t {
  packet = 1,   ///< a whole one
  first = 2,    ///< the length of a packet whose bytes follow in parts
  part = 3,     ///< the next bytes of it
  credit = 4,   ///< nothing but credits
  grant = 5,    ///< where a part may be as large as it likes
  goodbye = 6,  ///< nothing follows
  skip = 7,     ///< nothing: the buffer behind this one is wanted
  rooms = 8,    ///< which buffers take a whole packet that is large, and how many were taken
};

/// Of its credits each side keeps so many for messages that carry no packet: without them no
/// credits would come back.
inline constexpr std::uint64_t control_credits = 3;

/// Travels as completion data, which every provider carries beside the message: so payloads lie in
/// the receiver's memory as they are, without a header in front.
struct MessageTag {
  MessageKind kind;
  std::uint32_t credits = 0;  ///< messages that the receiver of this one may send in addition

  static constexpr std::uint32_t credits_max = 0xFFF;

  constexpr std::uint32_t encode() const noexcept {
    return static_cast<std::uint32_t>(kind) | credits << 4;
  }
  /// Nothing if there is no such kind, or bits that this version does not know.
  static constexpr std::optional<MessageTag> decode(std::uint64_t bits) noexcept {
    const auto kind = static_cast<std::uint32_t>(bits & 0xF);
    if (kind < 1 || kind > 8 || bits >> 16 != 0) return std::nullopt;
    return MessageTag{static_cast<MessageKind>(kind), static_cast<std::uint32_t>(bits >> 4)};
  }
};

/// What each side says of itself when they connect; in the connection request and its answer.
struct Greeting {
  std::uint32_t buffers = 0;       ///< receive buffers that are posted: the first credits
  std::uint32_t buffer_bytes = 0;  ///< each

  static constexpr std::uint32_t buffers_max = 1024;
  static constexpr std::size_t encoded_bytes = 12;
  using Encoded = std::array<std::byte, encoded_bytes>;

  Encoded encode() const noexcept;
  /// Nothing if it is not a greeting, or not of this version.
  static std::optional<Greeting> decode(std::span<const std::byte> bytes) noexcept;
};

/// The payload of MessageKind::first.
struct PacketLength {
  std::uint64_t bytes = 0;

  static constexpr std::size_t encoded_bytes = 8;
  std::array<std::byte, encoded_bytes> encode() const noexcept;
  static std::optional<PacketLength> decode(std::span<const std::byte> bytes) noexcept;
};

/// The payload of MessageKind::grant: message `number` goes straight into the packet's memory.
struct Grant {
  std::uint64_t number = 0;  ///< of the message, from 0 on
  std::uint64_t offset = 0;  ///< in the packet
  std::uint64_t bytes = 0;   ///< at most

  static constexpr std::size_t encoded_bytes = 24;
  std::array<std::byte, encoded_bytes> encode() const noexcept;
  static std::optional<Grant> decode(std::span<const std::byte> bytes) noexcept;
};

/// Message `number` may have as many bytes as a whole packet.
struct Room {
  std::uint64_t number = 0;  ///< as in Grant
  std::uint64_t bytes = 0;   ///< at most

  static constexpr std::size_t encoded_bytes = 16;
};

/// The payload of MessageKind::rooms.
struct RoomReport {
  /// Of one message.
  static constexpr std::size_t rooms_max = 4;
  static constexpr std::size_t header_bytes = 8;
  static constexpr std::size_t encoded_bytes_max = header_bytes + rooms_max * Room::encoded_bytes;
  using Encoded = boost::container::static_vector<std::byte, encoded_bytes_max>;

  /// Whole packets that were larger than a buffer, of all that came: whoever waits for a room hears
  /// by it that there will be none for these.
  std::uint64_t taken = 0;
  boost::container::static_vector<Room, rooms_max> rooms;

  Encoded encode() const;
  /// Nothing if it is no whole number of rooms, or of too many.
  static std::optional<RoomReport> decode(std::span<const std::byte> bytes);
};

}  // namespace trestle::ofi
