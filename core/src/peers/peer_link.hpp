// What stands behind a Peer handle.
#pragma once

#include <trestle/error.hpp>
#include <trestle/ids.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peers/retry_budget.hpp"
#include "peers/routes.hpp"

namespace trestle {
class NodeCore;
}
namespace trestle::peers {
class Connection;
}

namespace trestle::detail {

/// One known peer and its connections. Handles co-own it; the node drops its side on close.
/// Threads: under the engine's lock, but for `node`, which never changes.
class PeerLink : public std::enable_shared_from_this<PeerLink> {
 public:
  explicit PeerLink(std::shared_ptr<NodeCore> owner) : node(std::move(owner)) {}

  const std::shared_ptr<NodeCore> node;
  InstanceId instance;  // nil until a hello told it
  std::uint64_t incarnation = 0;
  std::uint64_t present_as = 0;       // incarnation that the application was told of; 0: it is gone
  std::string uri;                    // where it can be dialled; empty if it always came to us
  peers::Routes routes;               // all ways to dial it, if there are several
  std::optional<Error> last_failure;  // of its latest connection, since one opened
  std::size_t connects = 0;           // how often the application asked for this peer
  std::optional<InstanceId> expected;  // whom the application insists on at that endpoint
  std::vector<std::shared_ptr<peers::Connection>> connections;
  peers::RetryBudget retry_budget;  // needs no lock
};

}  // namespace trestle::detail
