// The order in which the endpoints of a peer are tried.
#pragma once

#include <trestle/peer_info.hpp>
#include <trestle/route.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace trestle::peers {

/// The transport of a scheme.
struct SchemeFacts {
  std::uint32_t reach = 0;  ///< TT_REACH_*
  std::string plugin;       ///< its file
};

/// Errors: those of finding a plugin.
using FindScheme = std::function<Result<SchemeFacts>(std::string_view scheme)>;

/// Nearest reach first, in the peer's own order where it is equal. What cannot lead there comes
/// last, with the reason: no transport, or an endpoint that only another host's nodes can use.
RoutePlan plan_route(const PeerInfo& peer, const HostId& own_host, const FindScheme& find_scheme);

/// "HEAD: URI (TEXT); …", with the code of the last one: unreachable if there is none. Bounded,
/// however many there are.
Error failure_of_all(std::string head, const std::vector<RouteFailure>& failures);

}  // namespace trestle::peers
