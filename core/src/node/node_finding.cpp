// The public face of finding other nodes, and of being found.
#include <trestle/node.hpp>

#include <algorithm>

#include "node/node_core.hpp"

namespace trestle {
namespace {

using std::chrono::nanoseconds;

/// One time for several attempts: each gets its part of what is left. Without a deadline, each is
/// as long as its transport takes.
class SharedTime {
 public:
  SharedTime(std::optional<TimePoint> deadline, std::size_t attempts)
      : deadline_(deadline), attempts_(attempts) {}

  nanoseconds left(TimePoint now) const {
    if (!deadline_) return nanoseconds::max();
    return std::max(*deadline_ - now, nanoseconds::zero());
  }
  nanoseconds next_part(TimePoint now) {
    const nanoseconds all = left(now);
    const auto parts = static_cast<std::int64_t>(std::max<std::size_t>(attempts_--, 1));
    return all == nanoseconds::max() ? all : all / parts;
  }
  bool is_over(TimePoint now) const { return deadline_ && now >= *deadline_; }

 private:
  const std::optional<TimePoint> deadline_;
  std::size_t attempts_;
};

/// What can be tried, and the reasons of what cannot.
struct Ways {
  explicit Ways(const RoutePlan& plan) {
    for (const RouteCandidate& candidate : plan.candidates) {
      if (candidate.why_not) {
        unusable.push_back({candidate.uri, *candidate.why_not});
      } else {
        uris.push_back(candidate.uri);
      }
    }
  }

  std::vector<std::string> uris;
  std::vector<RouteFailure> unusable;
};

Error not_tried() {
  return Error(Errc::deadline_exceeded, "not tried, the time was over");
}

}  // namespace

RoutePlan Node::plan_route(const PeerInfo& peer) const {
  return core_->plan_route(peer);
}

Result<Peer> Node::connect(const PeerInfo& peer, ConnectOptions options) {
  const Ways ways(core_->plan_route(peer));
  if (const auto link = core_->find_connected(peer.instance_id, ways.uris)) {
    core_->set_routes(peer.instance_id, ways.uris);
    return Peer(link);
  }
  if (!options.expect) options.expect = peer.instance_id;
  SharedTime time(core_->calls().deadline_of({.timeout = options.timeout}, now()),
                  ways.uris.size());
  std::vector<RouteFailure> failures = ways.unusable;
  for (const std::string& uri : ways.uris) {
    if (time.is_over(now())) {
      failures.push_back({uri, not_tried()});
      continue;
    }
    options.timeout = time.next_part(now());
    auto connected = connect(uri, options);
    if (connected.has_value()) {
      core_->set_routes(peer.instance_id, ways.uris);
      return connected;
    }
    failures.push_back({uri, std::move(connected).error()});
  }
  return all_failed(to_string(peer.instance_id), failures);
}

Result<Peer> Node::register_peer(const PeerInfo& peer) {
  if (peer.instance_id.is_nil()) {
    return Error(Errc::invalid_argument, "cannot register a peer without an instance id");
  }
  const Ways ways(core_->plan_route(peer));
  if (ways.uris.empty()) return all_failed(to_string(peer.instance_id), ways.unusable);
  return Peer(core_->set_routes(peer.instance_id, ways.uris));
}

Result<PeerInfo> Node::discover(std::string_view uri, ConnectOptions options) {
  const auto known = peers();
  const SharedTime time(core_->calls().deadline_of({.timeout = options.timeout}, now()), 1);
  const auto link = core_->connect(uri, options);
  if (link.has_error()) return link.error();
  auto found = Peer(*link).with_timeout(time.left(now())).discover();
  const InstanceId id = core_->id_of(**link);
  const bool was_known = std::any_of(known.begin(), known.end(), [&](const Peer& candidate) {
    return candidate.instance_id() == id;
  });
  // Another thread may have asked for the same peer meanwhile.
  if (!was_known && id != instance_id()) core_->disconnect_if_unshared(*link);
  return found;
}

Result<PeerInfo> Node::discover_any(const WorkerAddress& address, ConnectOptions options) {
  SharedTime time(core_->calls().deadline_of({.timeout = options.timeout}, now()),
                  address.endpoints().size());
  Error error(Errc::unreachable, "Failed to discover peer at any of the provided endpoints");
  const char* before = ": ";
  for (const std::string& uri : address.endpoints()) {
    Error why = not_tried();
    if (!time.is_over(now())) {
      options.timeout = time.next_part(now());
      auto found = discover(uri, options);
      if (found.has_value()) return found;
      why = std::move(found).error();
    }
    error.code = why.code;
    error.text += before + uri + " (" + why.text + ")";
    before = "; ";
  }
  return error;
}

PeerInfo Node::info() const {
  return {core_->instance_id(), core_->endpoints(), NodeCore::host_id()};
}

}  // namespace trestle
