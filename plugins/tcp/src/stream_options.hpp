// The options of tcp:// and unix:// URIs.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/addresses.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace trestle::tcp {

/// The kinds of socket that this plugin knows, each with a scheme of its own.
enum class Scheme { tcp, unix };

using transport_kit::Family;

/// Options of one URI. Zero bytes: the kernel's choice.
struct StreamOptions {
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(10);
  /// For a packet that has begun to arrive, and is not going on; zero: for ever.
  std::chrono::nanoseconds stall_timeout = std::chrono::seconds(30);
  std::uint64_t send_buffer_bytes = 0;
  std::uint64_t receive_buffer_bytes = 0;
  bool nodelay = true;          ///< tcp only
  Family family = Family::any;  ///< tcp only
  /// tcp only: sent bytes that nobody acknowledges, or has room for, for so long end the
  /// connection; 0: the kernel's time. Unset, since it does not tell a receiver that is slow from
  /// one that is dead.
  std::chrono::nanoseconds user_timeout{0};
  /// tcp only: a connection that was idle for so long is probed; 0: never.
  std::chrono::nanoseconds keepalive = std::chrono::seconds(3);

  /// Options given at open, for every URI. Errors, here and below: TT_E_ADDR naming the option.
  static sdk::Result<StreamOptions> defaults(Scheme scheme, std::span<const tt_kv> options);

  /// These, with those of a URI in their place.
  sdk::Result<StreamOptions> with(Scheme scheme,
                                  const std::map<std::string, std::string>& options) const;
};

/// Applies what concerns an open socket; a buffer size that the kernel refuses is no error.
void apply(const StreamOptions& options, Scheme scheme, int fd) noexcept;

}  // namespace trestle::tcp
