// Several ways to one peer, and what this node tells others of its own.
#include <trestle/sdk/uri.hpp>

#include <algorithm>
#include <utility>

#include "node/node_core.hpp"
#include "node/route_search.hpp"
#include "peers/advertising.hpp"
#include "peers/candidates.hpp"
#include "platform/host_addresses.hpp"
#include "platform/host_identity.hpp"

namespace trestle {
namespace {

std::string text_of(std::chrono::nanoseconds time) {
  using std::chrono::milliseconds;
  if (time == std::chrono::nanoseconds::zero()) return "off";
  return std::to_string(std::chrono::duration_cast<milliseconds>(time).count()) + "ms";
}

std::string text_of(Spin spin) {
  if (spin == Spin::automatic) return "auto";
  return spin == Spin::on ? "on" : "off";
}

}  // namespace

HostId NodeCore::host_id() {
  return HostId(platform::host_identity());
}

std::vector<std::string> NodeCore::endpoints() {
  std::vector<std::string> listening;
  {
    const std::lock_guard lock(engine_.mutex());
    listening = listening_;
  }
  // Asked for each time: interfaces come and go.
  return peers::advertise(listening, platform::host_addresses());
}

RoutePlan NodeCore::plan_route(const PeerInfo& peer) {
  RoutePlan plan = peers::plan_route(peer, host_id(), [this](std::string_view scheme) {
    auto plugin = plugins_.find(scheme);
    if (plugin.has_error()) return Result<peers::SchemeFacts>(std::move(plugin).error());
    return Result<peers::SchemeFacts>(
        peers::SchemeFacts{.reach = plugin->reach, .plugin = plugin->file.string()});
  });
  for (RouteCandidate& candidate : plan.candidates) candidate.options = options_of(candidate.uri);
  return plan;
}

std::vector<RouteOption> NodeCore::options_of(const std::string& uri) const {
  std::vector<RouteOption> options;
  const auto parsed = sdk::Uri::parse(uri);
  if (parsed.has_error()) return options;
  for (const auto& [key, value] : parsed->options) options.push_back({key, value, "URI"});
  const auto add = [&](const char* key, const std::string& value, bool is_default) {
    if (parsed->options.contains(key)) return;
    options.push_back({key, value, is_default ? "default" : "node"});
  };
  const NodeOptions defaults;
  const std::chrono::nanoseconds heartbeat =
      options_.heartbeat.value_or(std::chrono::seconds(options_.driver != nullptr ? 0 : 1));
  add("dead_after", text_of(options_.dead_after), options_.dead_after == defaults.dead_after);
  add("heartbeat", text_of(heartbeat), !options_.heartbeat);
  add("spin", text_of(options_.spin), options_.spin == defaults.spin);
  return options;
}

TransportHealth NodeCore::transport_of(const peers::PeerLinkPtr& link) {
  const std::lock_guard lock(engine_.mutex());
  const detail::PeerLink& target = current(*link);
  const peers::Connection* connection = peers_.route(target);
  const std::string name = to_string(target.instance);
  if (closed_) {
    return {TransportState::failed, target.uri, Error(Errc::shut_down, "this node was closed")};
  }
  if (connection != nullptr && connection->is_usable()) {
    return {TransportState::connected, connection->dialled_uri, {}};
  }
  if (target.last_failure) return {TransportState::failed, target.uri, *target.last_failure};
  if (target.uri.empty()) {
    return {TransportState::not_registered,
            {},
            Error(Errc::unknown_peer, "peer " + name + " is not registered with this node")};
  }
  return {TransportState::never_connected, target.uri,
          Error(Errc::unreachable, "peer " + name + " was registered and never connected")};
}

peers::PeerLinkPtr NodeCore::set_routes(const InstanceId& id, const Ways& ways) {
  const std::lock_guard lock(engine_.mutex());
  peers::PeerLinkPtr link = peers_.find(id);
  if (id == instance_) return link;
  if (link == nullptr) {
    link = std::make_shared<detail::PeerLink>(shared_from_this());
    link->instance = id;
    peers_.add(link);
  }
  link->expected = id;
  link->routes.set(ways.uris, ways.unusable);
  if (!link->routes.has(link->uri)) link->uri = ways.uris.front();
  const auto all = link->connections;
  for (const auto& connection : all) {
    if (connection->opener() == peers::Opener::peer) continue;
    if (!link->routes.has(connection->dialled_uri)) connection->retire();
  }
  redials_.hurry(link->uri);
  engine_.wake();
  leadership_.ensure_led();
  return link;
}

std::string NodeCore::connected_at(const InstanceId& id, const std::vector<std::string>& routes) {
  const std::lock_guard lock(engine_.mutex());
  const peers::PeerLinkPtr link = peers_.find(id);
  if (link == nullptr) return {};
  const peers::Connection* connection = peers_.route(*link);
  if (connection == nullptr || !connection->is_usable()) return {};
  const auto& uri = connection->dialled_uri;
  return std::find(routes.begin(), routes.end(), uri) != routes.end() ? uri : std::string();
}

bool NodeCore::find_successor(peers::Connection& ended, Error& why) {
  return redials_.on_ended(ended, why) || take_next_route(ended, why);
}

bool NodeCore::take_next_route(peers::Connection& ended, Error& why) {
  const peers::PeerLinkPtr link = ended.link;
  if (closing_ || link == nullptr || !ended.is_stranger()) return false;
  // Who is lost is dialled on all ways in turn, whoever calls.
  if (redials_.is_lost(*link)) return false;
  link->routes.failed(ended.dialled_uri, why);
  if (!link->routes.go_on(link->uri)) {
    why = with_all_routes(*link, why);
    return false;
  }
  const ConnectionPtr successor = make_successor(ended);
  successor->succeed(ended);
  if (auto begun = begin(*successor); begun.has_error()) {
    successor->fail(begun.error());  // which goes on to the next one
  } else {
    successor->limit_handshake(engine_.time_after(options_.handshake_timeout));
  }
  return true;
}

Error NodeCore::with_all_routes(const detail::PeerLink& link, const Error& last) {
  // One alone says it by itself.
  if (link.routes.failures().size() < 2) return last;
  return all_failed(to_string(link.instance), link.routes.failures());
}

}  // namespace trestle
