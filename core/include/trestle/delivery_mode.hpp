// What a sender expects back for a message.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <trestle/export.hpp>

namespace trestle {

/// What comes back for a message. Values travel on the wire and are never renumbered.
enum class DeliveryMode : std::uint8_t {
  fire_and_forget = 0,            ///< nothing
  confirmed = 1,                  ///< an acknowledgement once the handler ended
  with_response = 2,              ///< a reply
  with_receipt_ack = 3,           ///< a receipt at dispatch, then an acknowledgement
  with_receipt_and_response = 4,  ///< a receipt at dispatch, then a reply
};

/// The name that tools and logs use, such as "with_response".
TRESTLE_EXPORT std::string_view to_string(DeliveryMode mode) noexcept;
/// Empty if `name` is none of the names that to_string gives.
TRESTLE_EXPORT std::optional<DeliveryMode> parse_delivery_mode(std::string_view name) noexcept;

}  // namespace trestle
