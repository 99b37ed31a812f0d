// 128-bit identities of nodes and messages: distinct types, printable as UUIDs.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <trestle/export.hpp>

namespace trestle {

/// 16 bytes that name something. `Tag` keeps kinds of ids apart.
template <class Tag>
class Id {
 public:
  /// As they are printed and sent.
  using Bytes = std::array<std::uint8_t, 16>;

  constexpr Id() noexcept = default;
  /// From bytes, as they are.
  constexpr explicit Id(const Bytes& bytes) noexcept : bytes_(bytes) {}

  /// From two halves, big-endian in the printed form.
  static constexpr Id from_halves(std::uint64_t high, std::uint64_t low) noexcept {
    return Id(std::bit_cast<Bytes>(std::array{big_endian(high), big_endian(low)}));
  }

  /// The first half.
  constexpr std::uint64_t high() const noexcept { return half(0); }
  /// The second half.
  constexpr std::uint64_t low() const noexcept { return half(1); }
  /// All of it.
  constexpr const Bytes& bytes() const noexcept { return bytes_; }
  /// True if all bytes are zero: it names nothing.
  constexpr bool is_nil() const noexcept { return bytes_ == Bytes{}; }

  /// By bytes.
  friend constexpr auto operator<=>(const Id&, const Id&) noexcept = default;

 private:
  constexpr std::uint64_t half(unsigned index) const noexcept {
    return big_endian(std::bit_cast<std::array<std::uint64_t, 2>>(bytes_)[index]);
  }

  /// One instruction, where a loop over bytes would cost as much as reading a frame.
  static constexpr std::uint64_t big_endian(std::uint64_t value) noexcept {
    return std::endian::native == std::endian::big ? value : __builtin_bswap64(value);
  }

  Bytes bytes_{};
};

/// Names a node for as long as it lives.
using InstanceId = Id<struct InstanceTag>;
/// Names a message, the same at sender and receiver.
using MessageId = Id<struct MessageTag>;
/// Names a host since its boot, and a network namespace of it.
using HostId = Id<struct HostTag>;

/// A random (version 4) instance id.
TRESTLE_EXPORT InstanceId random_instance_id();

/// As a UUID is printed: 32 hexadecimal digits with hyphens.
TRESTLE_EXPORT std::string to_string(const InstanceId& id);
/// Likewise.
TRESTLE_EXPORT std::string to_string(const MessageId& id);
/// Likewise.
TRESTLE_EXPORT std::string to_string(const HostId& id);
/// Parses the printed form; empty if `text` is not one.
TRESTLE_EXPORT std::optional<InstanceId> parse_instance_id(std::string_view text);
/// Likewise.
TRESTLE_EXPORT std::optional<HostId> parse_host_id(std::string_view text);

}  // namespace trestle

/// @cond
template <class Tag>
struct std::hash<trestle::Id<Tag>> {
  std::size_t operator()(const trestle::Id<Tag>& id) const noexcept {
    return static_cast<std::size_t>(id.high() ^ (id.low() * 0x9E3779B97F4A7C15u));
  }
};
/// @endcond
