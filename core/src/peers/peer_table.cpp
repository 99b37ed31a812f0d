// Identity rules and the choice of connection.
#include "peers/peer_table.hpp"

#include <algorithm>

namespace trestle::peers {

PeerLinkPtr PeerTable::find(const InstanceId& id) const {
  const auto found = peers_.find(id);
  return found != peers_.end() ? found->second : nullptr;
}

PeerLinkPtr PeerTable::find_dialled(std::string_view uri) const {
  for (const auto& entry : peers_) {
    const Connection* connection = entry.second->uri == uri ? route(*entry.second) : nullptr;
    if (connection != nullptr && connection->is_usable()) return entry.second;
  }
  return nullptr;
}

std::vector<PeerLinkPtr> PeerTable::others() const {
  std::vector<PeerLinkPtr> links;
  for (const auto& entry : peers_) {
    if (entry.first != self_) links.push_back(entry.second);
  }
  return links;
}

void PeerTable::add_self(PeerLinkPtr link) {
  peers_.emplace(self_, std::move(link));
}

void PeerTable::add(PeerLinkPtr link) {
  const InstanceId id = link->instance;
  peers_.emplace(id, std::move(link));
}

Result<void> PeerTable::check(const Connection& connection, const PeerFacts& peer) const {
  const std::string name = to_string(peer.instance);
  if (peer.instance.is_nil()) {
    return Error(Errc::handshake_failed, "the peer gave a nil instance id");
  }
  if (connection.expected && *connection.expected != peer.instance) {
    return Error(Errc::identity_mismatch, "expected instance " + to_string(*connection.expected) +
                                              ", but " + name + " answered");
  }
  if (peer.instance == self_) {
    return Error(Errc::duplicate_connection, "instance " + name + " reached itself");
  }
  const PeerLinkPtr known = find(peer.instance);
  if (known != nullptr && peer.incarnation < known->incarnation) {
    return Error(Errc::stale_incarnation, "instance " + name + " is known as incarnation " +
                                              std::to_string(known->incarnation) +
                                              ", this is the earlier " +
                                              std::to_string(peer.incarnation));
  }
  return {};
}

Result<void> PeerTable::admit(Connection& connection, const PeerFacts& peer,
                              const std::shared_ptr<NodeCore>& node) {
  if (auto fits = check(connection, peer); fits.has_error()) return fits;
  const std::string name = to_string(peer.instance);
  if (connection.link != nullptr) follow(connection, peer.instance);
  PeerLinkPtr& link = peers_[peer.instance];
  if (link == nullptr) {
    link = connection.link != nullptr ? connection.link : std::make_shared<detail::PeerLink>(node);
    link->instance = peer.instance;
  }
  if (peer.incarnation > link->incarnation) {
    link->incarnation = peer.incarnation;
    const auto old = link->connections;
    for (const auto& other : old) {
      // One that is coming up may well lead to the new start; its own hello will tell.
      if (other.get() == &connection || other->peer().incarnation == 0) continue;
      other->evict(Error(Errc::connection_lost, "instance " + name + " was started again"));
    }
  }
  connection.link = link;
  if (!connection.dialled_uri.empty()) link->uri = connection.dialled_uri;
  if (std::none_of(link->connections.begin(), link->connections.end(),
                   [&](const auto& known) { return known.get() == &connection; })) {
    link->connections.push_back(connection.shared_from_this());
  }
  return {};
}

void PeerTable::follow(Connection& connection, const InstanceId& instance) {
  const PeerLinkPtr old = connection.link;
  if (old->instance == instance) return;
  if (find(old->instance) == old) peers_.erase(old->instance);
  old->instance = instance;
  old->incarnation = 0;
  // If the table knows that instance already, the handles of `old` find it by its id.
  if (find(instance) != nullptr) std::erase(old->connections, connection.shared_from_this());
}

bool PeerTable::is_preferred(const Connection& connection) const noexcept {
  return (connection.opener() == Opener::us) == (self_ < connection.peer().instance);
}

void PeerTable::settle_duplicates(detail::PeerLink& link) {
  Connection* winner = nullptr;
  for (const auto& connection : link.connections) {
    if (!connection->is_usable()) continue;
    if (winner == nullptr || (is_preferred(*connection) && !is_preferred(*winner))) {
      winner = connection.get();
    }
  }
  // Only the opener retires: the other side follows its goodbye, so that both never disagree.
  const auto all = link.connections;
  for (const auto& connection : all) {
    if (connection.get() != winner && connection->opener() == Opener::us) connection->retire();
  }
}

Connection* PeerTable::route(const detail::PeerLink& link) const {
  Connection* coming_up = nullptr;
  Connection* usable = nullptr;
  for (const auto& connection : link.connections) {
    if (connection->is_usable()) {
      if (usable == nullptr || is_preferred(*connection)) usable = connection.get();
    } else if (!connection->is_open() && !connection->is_closing()) {
      coming_up = connection.get();
    }
  }
  return usable != nullptr ? usable : coming_up;
}

void PeerTable::remove(Connection& connection) {
  const PeerLinkPtr link = connection.link;
  if (link == nullptr) return;
  std::erase_if(link->connections, [&](const auto& known) { return known.get() == &connection; });
  // Nobody can reach a peer that came to us and left; keeping each would grow without bound.
  // Not if the peer was forgotten before and came back: then the entry is another link's.
  if (link->connections.empty() && link->uri.empty() && find(link->instance) == link) {
    peers_.erase(link->instance);
  }
}

}  // namespace trestle::peers
