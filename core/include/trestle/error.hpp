// Errors as values: one enumeration, one error type, one Result.
#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>

#include <trestle/export.hpp>

namespace trestle {

/// Everything that can go wrong, one sentence each in docs/errors.md. Values travel in nack frames:
/// they are never renumbered.
enum class Errc : std::uint16_t {
  // What the program asked for cannot be done.
  invalid_argument = 1,
  no_target = 2,      ///< a call through a default-constructed Peer
  unknown_peer = 3,   ///< nothing is known of that instance id
  reserved_name = 4,  ///< names that start with '_' belong to the system
  name_too_long = 5,
  handler_exists = 6,
  payload_too_large = 7,
  would_block_for_ever = 8,  ///< nothing can end this wait here
  encode_failed = 9,

  // Transports and endpoints.
  unknown_scheme = 20,     ///< no plugin found; the text lists every path tried
  plugin_rejected = 21,    ///< found, but not loadable; the text names the file and the rule
  bad_endpoint = 22,       ///< malformed URI, unknown or bad option
  insecure_listener = 23,  ///< reaches beyond the host without authentication
  address_in_use = 24,
  connect_refused = 25,
  unreachable = 26,
  transport_failed = 27,  ///< anything else a transport reports

  // The peer said no; the handler did not run.
  handler_not_found = 40,
  kind_mismatch = 41,  ///< the call's mode does not fit the handler's kind
  undecodable = 42,    ///< the payload is not what the handler takes
  overloaded = 43,
  draining = 44,
  not_permitted = 45,  ///< the sender may not administer the node

  // The handler ran.
  handler_failed = 50,
  no_reply = 51,   ///< it ended without the reply that it owed
  bad_reply = 52,  ///< the reply is not what the caller takes

  // No outcome from the peer; Error::ran says whether the handler may have run.
  deadline_exceeded = 60,
  cancelled = 61,
  connection_lost = 62,
  shut_down = 63,  ///< this node is closed

  // Admission here.
  too_many_calls = 70,
  queue_full = 71,

  // Peers that do not fit.
  handshake_failed = 80,
  version_mismatch = 81,
  identity_mismatch = 82,
  stale_incarnation = 83,
  protocol_error = 84,
  duplicate_connection = 85,  ///< another connection to the same peer is used instead
};

/// Whether the handler of a failed call ran.
enum class Ran : std::uint8_t {
  no,     ///< it provably did not: trying again is safe
  maybe,  ///< the message left, and nothing is known
  yes,
};

/// The category of Errc. Its identity is a fixed number, so that it stays equal across modules.
TRESTLE_EXPORT const boost::system::error_category& error_category() noexcept;

/// For boost::system: an Errc as an error code.
inline boost::system::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

/// The name of a code as docs and tools write it, such as "handler_not_found".
TRESTLE_EXPORT std::string_view to_string(Errc code) noexcept;
/// Such as "may have run".
TRESTLE_EXPORT std::string_view to_string(Ran ran) noexcept;

/// What failed, on what, why, and what to do about it.
struct Error {
  boost::system::error_code code;  ///< an Errc; others that a handler returns become one
  std::string text;                ///< for people; see docs/errors.md
  Ran ran = Ran::no;               ///< for programs: whether trying again is safe

  Error() = default;
  /// Of a failure by its code; `ran` is `no` unless said.
  Error(Errc errc, std::string what, Ran handler_ran = Ran::no)
      : code(make_error_code(errc)), text(std::move(what)), ran(handler_ran) {}

  /// Whether it is that failure.
  bool is(Errc errc) const noexcept { return code == make_error_code(errc); }
};

/// The text, the code's name, and whether the handler ran: for logs and people.
TRESTLE_EXPORT std::string to_string(const Error& error);
/// As to_string().
TRESTLE_EXPORT std::ostream& operator<<(std::ostream& out, const Error& error);

/// What `Result::value()` throws when there is no value.
class BadResult : public std::runtime_error {
 public:
  /// Of the error that was there instead.
  explicit BadResult(Error error) : std::runtime_error(error.text), error_(std::move(error)) {}
  /// What there was instead of a value.
  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

/// For boost::system::result: throws BadResult.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  throw BadResult(error);
}

/// A value, or an Error: what every operation that can fail returns.
template <class T = void>
using Result = boost::system::result<T, Error>;

}  // namespace trestle

/// @cond
template <>
struct boost::system::is_error_code_enum<trestle::Errc> : std::true_type {};
/// @endcond
