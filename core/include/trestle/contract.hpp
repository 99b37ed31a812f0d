// What a handler takes and gives, and what a sender expects of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <trestle/error.hpp>
#include <trestle/export.hpp>

namespace trestle {

/// What a handler owes to its caller. Values travel on the wire and are never renumbered.
enum class HandlerKind : std::uint8_t {
  am = 0,     ///< nothing; an error is logged and counted
  ack = 1,    ///< an acknowledgement, or a refusal with a text
  unary = 2,  ///< a reply, or a refusal with a text
};

/// The name that tools and logs use, such as "unary".
TRESTLE_EXPORT std::string_view to_string(HandlerKind kind) noexcept;
/// Empty if `name` is none of the names that to_string gives.
TRESTLE_EXPORT std::optional<HandlerKind> parse_handler_kind(std::string_view name) noexcept;

/// What a registered handler takes and gives, as its node tells it to callers. A type is "bytes"
/// (Payload, BytesView and Encoded), a name of type_name.hpp, or empty for nothing.
struct HandlerContract {
  HandlerKind kind = HandlerKind::am;  ///< what it owes to its caller
  std::string request_type{};          ///< what it takes
  std::string response_type{};         ///< what it gives; empty unless unary

  /// Whether all three are equal.
  friend bool operator==(const HandlerContract&, const HandlerContract&) = default;
};

/// Such as "unary(Request) -> Answer".
TRESTLE_EXPORT std::string to_string(const HandlerContract& contract);

/// What a sender expects of a handler. The peer checks it before the handler runs.
struct Expectation {
  /// What comes back. Values travel on the wire and are never renumbered.
  enum class Response : std::uint8_t { none = 0, bytes = 1, typed = 2 };

  Response response = Response::none;  ///< none: an acknowledgement is enough
  std::string response_type{};         ///< a name of type_name.hpp, for `typed`
};

/// Whether a handler of that contract does what the sender expects. A sender that takes bytes takes
/// any response; a typed one must be named the same. Errors: kind_mismatch naming both sides.
TRESTLE_EXPORT Result<void> check_expectation(const Expectation& expected,
                                              const HandlerContract& contract);

}  // namespace trestle
