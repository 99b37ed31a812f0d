// The public face of finding other nodes, and of being found.
#include <trestle/node.hpp>

#include <algorithm>

#include "node/node_core.hpp"
#include "node/route_search.hpp"

namespace trestle {
RoutePlan Node::plan_route(const PeerInfo& peer) const {
  return core_->plan_route(peer);
}

Result<Peer> Node::connect(const PeerInfo& peer, ConnectOptions options) {
  const Ways ways(core_->plan_route(peer));
  if (!options.expect) options.expect = peer.instance_id;
  RouteSearch search(ways, core_->connected_at(peer.instance_id, ways.uris),
                     core_->calls().deadline_of({.timeout = options.timeout}, now()));
  while (const std::string* uri = search.next(now())) {
    options.timeout = search.part(now());
    auto connected = connect(*uri, options);
    if (connected.has_value()) {
      core_->set_routes(peer.instance_id, ways);
      return connected;
    }
    search.failed(std::move(connected).error());
  }
  return all_failed(to_string(peer.instance_id), search.failures());
}

Result<Peer> Node::register_peer(const PeerInfo& peer) {
  if (peer.instance_id.is_nil()) {
    return Error(Errc::invalid_argument, "cannot register a peer without an instance id");
  }
  const Ways ways(core_->plan_route(peer));
  if (ways.uris.empty()) return all_failed(to_string(peer.instance_id), ways.unusable);
  return Peer(core_->set_routes(peer.instance_id, ways));
}

Result<PeerInfo> Node::discover(std::string_view uri, ConnectOptions options) {
  const Acquaintances known(*core_);
  const auto deadline = core_->calls().deadline_of({.timeout = options.timeout}, now());
  const auto link = core_->connect(uri, options);
  if (link.has_error()) return link.error();
  const Peer peer(*link);
  auto found = peer.with_timeout(time_until(deadline, now())).discover();
  known.leave(peer.instance_id());
  return found;
}

Result<PeerInfo> Node::discover_any(const WorkerAddress& address, ConnectOptions options) {
  RouteSearch search(Ways(address), {},
                     core_->calls().deadline_of({.timeout = options.timeout}, now()));
  while (const std::string* uri = search.next(now())) {
    options.timeout = search.part(now());
    auto found = discover(*uri, options);
    if (found.has_value()) return found;
    search.failed(std::move(found).error());
  }
  return nobody_discovered(search.failures());
}

PeerInfo Node::info() const {
  return {core_->instance_id(), core_->endpoints(), NodeCore::host_id()};
}

}  // namespace trestle
