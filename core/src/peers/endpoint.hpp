// Endpoint URIs as core sees them: its own options taken off, the rest left to the transport.
#pragma once

#include <trestle/checksum.hpp>
#include <trestle/error.hpp>
#include <trestle/spin.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace trestle::peers {

/// Longer times would overflow when they are added to others.
inline constexpr std::chrono::nanoseconds added_time_max = std::chrono::hours(24 * 365);

/// An endpoint whose scheme is all that core looks at, apart from the generic host:port.
struct Endpoint {
  std::string scheme;
  std::string uri;            ///< without core's own options
  std::string host;           ///< of host:port; empty if the address has another form
  std::string address_fault;  ///< why it is not host:port, then
  bool insecure = false;      ///< insecure=1: strangers may connect

  // For the node, from now on.
  std::optional<Spin> spin{};                            ///< spin=auto, on or off
  std::optional<Checksum> checksum{};                    ///< checksum=auto, on or off
  std::optional<std::chrono::nanoseconds> heartbeat{};   ///< heartbeat=1s, or off
  std::optional<std::chrono::nanoseconds> dead_after{};  ///< dead_after=3s

  /// Errors: bad_endpoint; also for times that are out of their range.
  static Result<Endpoint> parse(std::string_view text);

  /// True if only this host can reach the address, judged by its host:port form.
  bool is_loopback() const;
};

}  // namespace trestle::peers
