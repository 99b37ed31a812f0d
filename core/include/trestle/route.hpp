// Which ways lead to a peer, in which order they are tried, and why.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <trestle/error.hpp>
#include <trestle/export.hpp>
#include <trestle/plugins.hpp>

namespace trestle {

/// An option that holds for an endpoint, and who set it.
struct RouteOption {
  std::string key;     ///< as in a URI
  std::string value;   ///< as in a URI
  std::string source;  ///< "URI", "node" or "default"
};

/// An endpoint of a peer, as a node would use it.
struct RouteCandidate {
  std::string uri;                 ///< as the peer gave it
  std::string scheme;              ///< empty if it is no URI
  std::optional<Reach> reach{};    ///< of its transport; empty if there is none
  std::string plugin{};            ///< the file of its transport
  std::optional<Error> why_not{};  ///< set: it is not tried
  /// Those of the URI, then what the node adds. Others are the transport's own defaults.
  std::vector<RouteOption> options{};
};

/// The ways to a peer.
struct RoutePlan {
  std::vector<RouteCandidate>
      candidates{};  ///< those to try, nearest first; then those that are not
};

/// An endpoint that did not serve.
struct RouteFailure {
  std::string uri;  ///< the endpoint
  Error why;        ///< why it did not serve
};

/// "No available endpoint for peer PEER: URI (TEXT); …", with the code of the last one.
TRESTLE_EXPORT Error all_failed(const std::string& peer, const std::vector<RouteFailure>& failures);

}  // namespace trestle
