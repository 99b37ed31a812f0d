// How a payload is encoded; travels with each message.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <trestle/export.hpp>

namespace trestle {

/// The encoding of a payload. Values travel on the wire and are never renumbered.
enum class Codec : std::uint8_t {
  bytes = 0,    ///< opaque to Trestle
  msgpack = 1,  ///< MessagePack; the default for typed payloads
  json = 2,     ///< JSON text, UTF-8
};

/// The name that tools and logs use, such as "msgpack".
TRESTLE_EXPORT std::string_view to_string(Codec codec) noexcept;
/// Empty if `name` is none of the names that to_string gives.
TRESTLE_EXPORT std::optional<Codec> parse_codec(std::string_view name) noexcept;

}  // namespace trestle
