// The peers a node knows, and which connection serves each.
#pragma once

#include <trestle/error.hpp>
#include <trestle/ids.hpp>

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "peers/connection.hpp"
#include "peers/peer_link.hpp"

namespace trestle::peers {

using PeerLinkPtr = std::shared_ptr<detail::PeerLink>;

/// The connection that nearly all peers have: the only one, and usable. Null: ask
/// PeerTable::route(). Lock held.
inline Connection* only_connection(const detail::PeerLink& link) noexcept {
  const bool is_only = link.connections.size() == 1 && link.connections.front()->is_usable();
  return is_only ? link.connections.front().get() : nullptr;
}

/// Threads: under the engine's lock.
class PeerTable {
 public:
  explicit PeerTable(const InstanceId& self) noexcept : self_(self) {}

  /// Null if unknown.
  PeerLinkPtr find(const InstanceId& id) const;
  /// Everyone but the node itself, in the order of their ids.
  std::vector<PeerLinkPtr> others() const;
  /// The peer that was dialled at `uri` and has a usable connection; null if none.
  PeerLinkPtr find_dialled(std::string_view uri) const;

  /// Adds the node's own loopback.
  void add_self(PeerLinkPtr link);
  /// Adds a peer that was not connected yet.
  void add(PeerLinkPtr link);

  /// Whether that peer may have that connection at all.
  /// Errors: identity_mismatch, stale_incarnation, handshake_failed, and duplicate_connection when
  /// the node has reached itself.
  Result<void> check(const Connection& connection, const PeerFacts& peer) const;
  /// The same, and ties the connection to its peer. Connections of an earlier incarnation are
  /// aborted.
  Result<void> admit(Connection& connection, const PeerFacts& peer,
                     const std::shared_ptr<NodeCore>& node);

  /// Retires what is left over when a peer has several open connections: the one opened by the
  /// smaller instance id stays, of several the oldest.
  void settle_duplicates(detail::PeerLink& link);

  /// The connection for new requests: open, else coming up; null if there is none.
  Connection* route(const detail::PeerLink& link) const;

  void remove(Connection& connection);
  void forget(const InstanceId& id) { peers_.erase(id); }
  void clear() { peers_.clear(); }

 private:
  /// Another instance answers at the endpoint of the connection's peer: its handles mean that one
  /// from now on, because an endpoint was all that the application asked for.
  void follow(Connection& connection, const InstanceId& instance);
  bool is_preferred(const Connection& connection) const noexcept;

  const InstanceId self_;
  // Not by a hash: peers choose their ids, and could choose such that collide.
  std::map<InstanceId, PeerLinkPtr> peers_;
};

}  // namespace trestle::peers
