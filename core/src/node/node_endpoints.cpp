// Listening, connecting, and finding the connection for a call.
#include <algorithm>
#include <limits>

#include "node/node_core.hpp"
#include "node/turn_scope.hpp"

namespace trestle {
namespace {

/// Requests that a peer may have under way; hello has 32 bits for it.
std::size_t window_of(const NodeOptions& options) {
  return std::min<std::size_t>(options.requests_max, std::numeric_limits<std::uint32_t>::max());
}

}  // namespace

NodeCore::ConnectionPtr NodeCore::new_connection(peers::Opener opener, std::uint32_t number) {
  const peers::ConnectionLimits limits{
      .calls_max = options_.calls_max,
      .message_bytes_max = options_.message_bytes_max,
      .queue_bytes_max = options_.queue_bytes_max,
      .requests_max = window_of(options_),
      .handshake_timeout = options_.handshake_timeout,
      .close_timeout = options_.close_timeout,
      .newcomer_bytes_max = options_.newcomer_bytes_max,
      .checksum = checksum_,
      .turn = backlog_.share(),
      .unsent = &unsent_,
      .notes = options_.on_send_failed ? peers::MessageNotes::each : peers::MessageNotes::none};
  peers::ConnectionEvents& events = *this;
  auto connection = std::make_shared<peers::Connection>(engine_, events, limits, opener, number);
  connections_.emplace(connection.get(), connection);
  return connection;
}

void NodeCore::apply(const peers::Endpoint& endpoint) {
  // One thread waits for all endpoints of the node, so there is one policy: the latest.
  if (endpoint.spin && options_.driver == nullptr) leadership_.set_spin(*endpoint.spin);
  checksum_ = endpoint.checksum.value_or(checksum_);
  if (!endpoint.heartbeat && !endpoint.dead_after) return;
  const peers::Rhythm& rhythm = heartbeat_.rhythm();
  heartbeat_.follow({.interval = endpoint.heartbeat.value_or(rhythm.interval),
                     .dead_after = endpoint.dead_after.value_or(rhythm.dead_after)});
  hold_watch_.look_soon();
}

Result<std::string> NodeCore::listen(std::string_view uri) {
  // Another thread may have had the lock of the plugins.
  if (of_the_parent_) return closed_error();
  auto endpoint = peers::Endpoint::parse(uri);
  if (endpoint.has_error()) return std::move(endpoint).error();
  auto plugin = plugins_.find(endpoint->scheme);
  if (plugin.has_error()) return std::move(plugin).error();
  const std::lock_guard lock(engine_.mutex());
  if (closing_) return closed_error();
  auto transport = engine_.transport(*plugin->descriptor, endpoint->scheme);
  if (transport.has_error()) return std::move(transport).error();
  if (plugin->reach == TT_REACH_NETWORK && endpoint->host.empty()) {
    return Error(Errc::bad_endpoint,
                 "cannot listen at '" + std::string(uri) + "': " + endpoint->address_fault);
  }
  const bool exposed = plugin->reach == TT_REACH_NETWORK &&
                       !(*transport)->has(TT_CAP_AUTHENTICATED) && !endpoint->is_loopback();
  if (exposed && !endpoint->insecure) {
    return Error(Errc::insecure_listener,
                 "refused to listen at '" + std::string(uri) +
                     "': it reaches beyond this host and anybody could call its handlers. Listen "
                     "at a loopback address or a unix socket, use a transport that authenticates, "
                     "or add insecure=1 to the URI");
  }
  engine::ListenEvents& events = *this;
  auto real = (*transport)->listen(endpoint->uri, events);
  serves_ = serves_ || real.has_value();
  if (real.has_value()) listening_.push_back(*real);
  apply(*endpoint);
  engine_.wake();
  leadership_.ensure_led();
  return real;
}

Result<NodeCore::ConnectionPtr> NodeCore::dial(const peers::Endpoint& endpoint,
                                               std::string_view uri, TimePoint deadline) {
  auto connection = new_connection(peers::Opener::us, ++connections_made_);
  connection->dialled_uri = uri;
  if (auto attached = attach(connection, endpoint); attached.has_error()) {
    connections_.erase(connection.get());
    return std::move(attached).error();
  }
  connection->limit_handshake(deadline);
  return connection;
}

Result<void> NodeCore::attach(const ConnectionPtr& connection, const peers::Endpoint& endpoint) {
  auto plugin = plugins_.find(endpoint.scheme);
  if (plugin.has_error()) return std::move(plugin).error();
  auto transport = engine_.transport(*plugin->descriptor, endpoint.scheme);
  if (transport.has_error()) return std::move(transport).error();
  engine::LinkEvents& events = *connection;
  auto conn = (*transport)->connect(endpoint.uri, events);
  if (conn.has_error()) return std::move(conn).error();
  connection->attach(**transport, *conn);
  dials_.push_back({connection, {}});
  engine_.wake();
  return {};
}

Result<peers::Connection*> NodeCore::dial(detail::PeerLink& link, TimePoint deadline) {
  link.routes.restart(link.uri);
  auto connection = dial_once(link, deadline);
  while (connection.has_error()) {
    link.routes.failed(link.uri, connection.error());
    if (!link.routes.go_on(link.uri)) return with_all_routes(link, connection.error());
    connection = dial_once(link, deadline);
  }
  return connection;
}

Result<peers::Connection*> NodeCore::dial_once(detail::PeerLink& link, TimePoint deadline) {
  auto endpoint = peers::Endpoint::parse(link.uri);
  if (endpoint.has_error()) return std::move(endpoint).error();
  auto connection = dial(*endpoint, link.uri, deadline);
  if (connection.has_error()) return std::move(connection).error();
  (*connection)->expected = link.expected;
  (*connection)->link = link.shared_from_this();
  link.connections.push_back(*connection);
  return connection->get();
}

// ---- Peers that were lost ----

NodeCore::ConnectionPtr NodeCore::make_waiting(detail::PeerLink& link) {
  auto connection = new_connection(peers::Opener::us, ++connections_made_);
  connection->link = link.shared_from_this();
  connection->expected = link.instance;
  link.connections.push_back(connection);
  // The table forgets who came to us and left.
  if (peers_.find(link.instance) == nullptr) peers_.add(connection->link);
  return connection;
}

NodeCore::ConnectionPtr NodeCore::make_successor(peers::Connection& lost) {
  // Messages keep the ids that their senders were told: those name the connection's number.
  auto connection = new_connection(peers::Opener::us, lost.number());
  connection->link = lost.link;
  connection->dialled_uri = lost.link->uri;
  connection->expected = lost.link->expected;
  lost.link->connections.push_back(connection);
  return connection;
}

Result<void> NodeCore::begin(peers::Connection& connection) {
  connection.dialled_uri = connection.link->uri;  // may be another way than at first
  auto endpoint = peers::Endpoint::parse(connection.dialled_uri);
  if (endpoint.has_error()) return std::move(endpoint).error();
  return attach(connections_.at(&connection), *endpoint);
}

Result<peers::Connection*> NodeCore::dial_again(detail::PeerLink& link,
                                                std::chrono::nanoseconds at_most) {
  auto connection = dial_once(link, engine_.time_after(at_most));
  if (connection.has_value()) (*connection)->is_to_lost_peer = true;
  return connection;
}

bool NodeCore::may_redial() const {
  return !closing_ && options_.reconnect_window > TimePoint(0);
}

void NodeCore::finish_dial(peers::Connection& connection, const PeerResult& result) {
  for (auto dial = dials_.begin(); dial != dials_.end(); ++dial) {
    if (dial->connection.get() != &connection) continue;
    // The waiters run on other threads, or below us on this stack: they only take note here.
    for (ConnectWaiter* waiter : dial->waiters) {
      engine_.cancel_timer(*waiter);
      waiter->finish(result);
    }
    dials_.erase(dial);
    return;
  }
}

void NodeCore::give_up(ConnectWaiter& waiter, Errc why) {
  for (Dial& dial : dials_) std::erase(dial.waiters, &waiter);
  waiter.finish(Error(why, why == Errc::cancelled ? "cancelled before it was connected"
                                                  : "not connected before the deadline"));
}

NodeCore::PeerResult NodeCore::connect_soon(const peers::Endpoint& endpoint, std::string_view uri,
                                            const ConnectOptions& options, ConnectWaiter& waiter) {
  if (closing_) return closed_error();
  apply(endpoint);
  if (auto known = peers_.find_dialled(uri)) return known;
  const TimePoint deadline = engine_.time_after(options.timeout.value_or(options_.call_timeout));
  auto dialling = std::find_if(dials_.begin(), dials_.end(),
                               [&](const Dial& d) { return d.connection->dialled_uri == uri; });
  if (dialling == dials_.end()) {
    redials_.hurry(uri);
    dialling = std::find_if(dials_.begin(), dials_.end(),
                            [&](const Dial& d) { return d.connection->dialled_uri == uri; });
  }
  if (dialling == dials_.end()) {
    auto connection = dial(endpoint, uri, deadline);
    if (connection.has_error()) return std::move(connection).error();
    (*connection)->expected = options.expect;
    dialling = std::prev(dials_.end());
  }
  dialling->connection->allow_until(deadline);
  dialling->waiters.push_back(&waiter);
  engine_.arm_timer(waiter, deadline);
  flush_outputs();
  return peers::PeerLinkPtr();
}

NodeCore::PeerResult NodeCore::connected(const peers::Endpoint& endpoint, std::string_view uri,
                                         const ConnectOptions& options, PeerResult result) {
  if (result.has_error()) {
    Error error = std::move(result).error();
    // Transports name the address themselves; what went wrong above them does not.
    if (error.text.find(endpoint.uri) == std::string::npos) {
      error.text = "cannot connect to '" + std::string(uri) + "': " + error.text;
    }
    return error;
  }
  {
    const std::lock_guard lock(engine_.mutex());
    ++(*result)->connects;
    if (options.expect) (*result)->expected = options.expect;
  }
  return check_expected(*result, options);
}

Result<peers::PeerLinkPtr> NodeCore::connect(std::string_view uri, const ConnectOptions& options) {
  if (auto allowed = may_wait_here(); allowed.has_error()) return std::move(allowed).error();
  auto endpoint = peers::Endpoint::parse(uri);
  if (endpoint.has_error()) return std::move(endpoint).error();
  // Loads the plugin, if it must be, before the lock is taken.
  if (auto plugin = plugins_.find(endpoint->scheme); plugin.has_error()) {
    return std::move(plugin).error();
  }
  BlockedConnect waiter(*this);
  {
    engine::Lock lock(engine_.mutex());
    auto at_once = connect_soon(*endpoint, uri, options, waiter);
    if (at_once.has_error()) return at_once;
    if (*at_once != nullptr) {
      ++(*at_once)->connects;
      return check_expected(*at_once, options);
    }
    wait(lock, waiter);
  }
  if (!waiter.is_done()) {
    const engine::Lock lock(engine_.mutex());
    engine_.cancel_timer(waiter);
    for (Dial& dial : dials_) std::erase(dial.waiters, &waiter);
  }
  return connected(*endpoint, uri, options, std::move(waiter.result));
}

Result<peers::PeerLinkPtr> NodeCore::check_expected(const peers::PeerLinkPtr& link,
                                                    const ConnectOptions& options) {
  if (options.expect && *options.expect != link->instance) {
    return Error(Errc::identity_mismatch, "expected instance " + to_string(*options.expect) +
                                              ", but " + to_string(link->instance) + " answered");
  }
  return link;
}

peers::PeerLinkPtr NodeCore::peer(const InstanceId& id) {
  const std::lock_guard lock(engine_.mutex());
  if (auto known = peers_.find(id)) return known;
  auto unknown = std::make_shared<detail::PeerLink>(shared_from_this());
  unknown->instance = id;
  return unknown;
}

std::vector<peers::PeerLinkPtr> NodeCore::peers() {
  const std::lock_guard lock(engine_.mutex());
  return peers_.others();
}

InstanceId NodeCore::id_of(const detail::PeerLink& link) {
  const std::lock_guard lock(engine_.mutex());
  return link.instance;
}

detail::PeerLink& NodeCore::current(detail::PeerLink& link) const {
  if (!link.connections.empty()) return link;
  const auto known = peers_.find(link.instance);
  return known != nullptr ? *known : link;
}

bool NodeCore::is_connected(const peers::PeerLinkPtr& link) {
  const std::lock_guard lock(engine_.mutex());
  const peers::Connection* connection = peers_.route(current(*link));
  return connection != nullptr && connection->is_open();
}

void NodeCore::disconnect(const peers::PeerLinkPtr& link) {
  const std::lock_guard lock(engine_.mutex());
  disconnect_locked(link);
}

void NodeCore::disconnect_if_unshared(const peers::PeerLinkPtr& link) {
  const std::lock_guard lock(engine_.mutex());
  if (current(*link).connects <= 1) disconnect_locked(link);
}

void NodeCore::disconnect_locked(const peers::PeerLinkPtr& link) {
  if (link->instance == instance_) return;
  detail::PeerLink& leaving = current(*link);
  const InstanceId instance = leaving.instance;
  redials_.forget(leaving);
  leaving.uri.clear();
  leaving.routes.set({}, {});
  link->uri.clear();
  const auto all = leaving.connections;
  for (const auto& connection : all) {
    connection->close(Error(Errc::connection_lost, "disconnected by this node"));
  }
  peers_.forget(instance);
  engine_.wake();
  leadership_.ensure_led();
}

Result<peers::Connection*> NodeCore::route(detail::PeerLink& link, TimePoint deadline) {
  if (closed_) return closed_error();
  detail::PeerLink& target = current(link);
  if (peers::Connection* connection = peers_.route(target)) {
    connection->allow_until(deadline);
    return connection;
  }
  for (const auto& connection : target.connections) {
    if (!connection->is_open() || !connection->goodbye()) continue;
    const Error& goodbye = *connection->goodbye();
    // To who calls it is all the same how far the peer has come with it.
    if (goodbye.is(Errc::shut_down)) return Error(Errc::draining, goodbye.text);
    if (!goodbye.is(Errc::duplicate_connection)) return goodbye;
  }
  if (target.uri.empty()) {
    if (peers::Connection* waiting = redials_.await(target)) return waiting;
    const bool seen = target.incarnation != 0;
    return Error(seen ? Errc::connection_lost : Errc::unknown_peer,
                 seen ? "peer " + to_string(target.instance) +
                            " is gone, and it had connected to this node, so there is no endpoint "
                            "to dial: wait until it connects again"
                      : "no connection to peer " + to_string(target.instance) +
                            ", and no endpoint of it is known: connect to it, or wait until it "
                            "connects to this node");
  }
  if (!redials_.is_lost(target)) return dial(target, deadline);
  // Who is lost is waited for no longer than it was at first.
  const TimePoint limit = engine_.time_after(options_.reconnect_window);
  auto connection = dial_again(target, std::min(deadline, limit) - engine_.now());
  if (connection.has_value()) redials_.adopt(target, **connection);
  return connection;
}

}  // namespace trestle
