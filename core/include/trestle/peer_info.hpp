// What one tells others about a node, so that they can reach it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/ids.hpp>
#include <trestle/payload.hpp>
#include <trestle/worker_address.hpp>

namespace trestle {

/// Who a node is, where it listens, and on which host.
struct TRESTLE_EXPORT PeerInfo {
  InstanceId instance_id{};  ///< its id
  WorkerAddress address{};   ///< its endpoints
  /// Of its host and network namespace; nil: not known, then endpoints of the host are tried.
  HostId host{};

  /// One word without spaces, for files, variables and command lines.
  std::string text() const;
  /// The same in fewer bytes.
  std::string bytes() const;
  /// Errors: invalid_argument: what cannot be read, and why.
  [[nodiscard]] static Result<PeerInfo> parse(std::string_view text);
  /// Likewise of bytes().
  [[nodiscard]] static Result<PeerInfo> from_bytes(BytesView bytes);

  /// By all parts.
  bool operator==(const PeerInfo&) const = default;
};

}  // namespace trestle

/// @cond
template <>
struct std::hash<trestle::PeerInfo> {
  std::size_t operator()(const trestle::PeerInfo& peer) const noexcept {
    return std::hash<trestle::InstanceId>()(peer.instance_id) * 31 +
           std::hash<trestle::WorkerAddress>()(peer.address);
  }
};
/// @endcond
