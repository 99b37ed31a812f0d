// What the verbs that call others share: a node without listeners, connected within a deadline.
#pragma once

#include <trestle/node.hpp>
#include <trestle/peer.hpp>

#include <chrono>
#include <string>

namespace trestle::tools {

/// One peer, and one deadline for everything. Threads: one.
class Client {
 public:
  explicit Client(std::chrono::nanoseconds timeout);

  /// Errors: those of Node::connect().
  Result<Peer> connect(const std::string& uri);

  /// What is left until the deadline; at least 1 ns.
  std::chrono::nanoseconds time_left() const;

  /// Sends what is still queued and closes.
  Result<void> close() { return node_.close(); }

 private:
  const std::chrono::steady_clock::time_point deadline_;
  Node node_;
};

}  // namespace trestle::tools
