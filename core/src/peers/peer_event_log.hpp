// The peers that came and went, and what was lost with them.
#pragma once

#include <trestle/node.hpp>
#include <trestle/peer_events.hpp>

#include <map>
#include <vector>

#include "peers/connection.hpp"
#include "registry/event_history.hpp"

namespace trestle::peers {

/// Threads: any.
class PeerEventLog : public registry::EventHistory<PeerEvent, PeerEvents::history_max> {
 public:
  /// That connection is open. Lock of the engine held.
  void on_open(const Connection& connection);
  /// It has ended, and is none of its peer's any more. Lock of the engine held.
  void on_closed(const Connection& connection, const Error& why);
};

/// Messages that expected nothing and were lost, by reason. Threads: under the engine's lock.
class LostMessagesLedger {
 public:
  void add(const Error& why, std::size_t unsent, std::size_t in_doubt);
  /// In the order of their codes.
  std::vector<LostMessages> all() const;

 private:
  std::map<Errc, LostMessages> by_reason_;
};

}  // namespace trestle::peers
