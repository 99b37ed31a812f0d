// Endpoint URIs: scheme[+sub]://address[?key=value&…], and the options a transport reads from them.
#pragma once

#include <trestle/sdk/result.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace trestle::sdk {

/// An endpoint URI, split and percent-decoded. Keys are case-sensitive; the scheme is lower-case.
struct Uri {
  std::string scheme;                          ///< "ofi+tcp"
  std::string address;                         ///< between "://" and "?", percent-decoded
  std::map<std::string, std::string> options;  ///< percent-decoded

  /// Errors: TT_E_ADDR naming what is malformed: no "://", a bad scheme, a bad percent escape, an
  /// option without "=", one given twice, a NUL byte.
  static Result<Uri> parse(std::string_view text);

  /// The URI as text again, percent-encoded where needed; parses back to an equal value.
  std::string str() const;

  /// Whether all parts are equal.
  bool operator==(const Uri&) const = default;
};

/// "host:port" with the host's brackets removed.
struct HostPort {
  std::string host;        ///< a name or an address
  std::uint16_t port = 0;  ///< 0: any free one, for listeners

  /// Errors: TT_E_ADDR: no port, an empty host, a port above 65535 or not a number, a v6 address
  /// without brackets.
  static Result<HostPort> parse(std::string_view address);
};

/// Values with units, as URI options write them.
/// Errors: TT_E_ADDR with the text and what was expected.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);  ///< "5ms"; ns us ms s
Result<std::uint64_t> parse_bytes(std::string_view text);                ///< "64KiB"; B KiB MiB GiB
Result<bool> parse_switch(std::string_view text);                        ///< "on" or "off"

}  // namespace trestle::sdk
