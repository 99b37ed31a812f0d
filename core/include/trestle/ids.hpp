// 128-bit identities of nodes and messages: distinct types, printable as UUIDs.
#pragma once

#include <array>
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
  using Bytes = std::array<std::uint8_t, 16>;

  constexpr Id() noexcept = default;
  constexpr explicit Id(const Bytes& bytes) noexcept : bytes_(bytes) {}

  /// From two halves, big-endian in the printed form.
  static constexpr Id from_halves(std::uint64_t high, std::uint64_t low) noexcept {
    Bytes bytes{};
    for (unsigned i = 0; i < 8; ++i) {
      bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
      bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
    }
    return Id(bytes);
  }

  constexpr std::uint64_t high() const noexcept { return half(0); }
  constexpr std::uint64_t low() const noexcept { return half(8); }
  constexpr const Bytes& bytes() const noexcept { return bytes_; }
  constexpr bool is_nil() const noexcept { return bytes_ == Bytes{}; }

  friend constexpr auto operator<=>(const Id&, const Id&) noexcept = default;

 private:
  constexpr std::uint64_t half(unsigned from) const noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value = (value << 8) | bytes_[from + i];
    return value;
  }

  Bytes bytes_{};
};

/// Names a node for as long as it lives.
using InstanceId = Id<struct InstanceTag>;
/// Names a message, the same at sender and receiver.
using MessageId = Id<struct MessageTag>;

/// A random (version 4) instance id.
TRESTLE_EXPORT InstanceId random_instance_id();

TRESTLE_EXPORT std::string to_string(const InstanceId& id);
TRESTLE_EXPORT std::string to_string(const MessageId& id);
/// Parses the printed form; empty if `text` is not one.
TRESTLE_EXPORT std::optional<InstanceId> parse_instance_id(std::string_view text);

}  // namespace trestle

template <class Tag>
struct std::hash<trestle::Id<Tag>> {
  std::size_t operator()(const trestle::Id<Tag>& id) const noexcept {
    return static_cast<std::size_t>(id.high() ^ (id.low() * 0x9E3779B97F4A7C15u));
  }
};
