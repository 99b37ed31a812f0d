// What the verbs that call others share: a node without listeners, connected within a deadline.
#pragma once

#include <trestle/node.hpp>
#include <trestle/peer.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace trestle::tools {

/// One peer, and one deadline for everything. Threads: one.
class Client {
 public:
  explicit Client(std::chrono::nanoseconds timeout);
  /// Takes its leave of the peer, if there is time; a peer that reads nothing keeps nobody here.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Errors: those of Node::connect().
  Result<Peer> connect(const std::string& uri);

  /// The same, and tries again until the deadline as long as nobody listens.
  Result<Peer> connect_once_there(const std::string& uri);

  /// What is left until the deadline; at least 1 ns.
  std::chrono::nanoseconds time_left() const;

  /// Sends what is still queued and closes.
  /// Errors: deadline_exceeded: the peer did not take all of it.
  Result<void> close();

 private:
  const std::chrono::nanoseconds timeout_;
  const std::chrono::steady_clock::time_point deadline_;
  std::unique_ptr<Node> node_;  // null once it was closed, or left alone
};

}  // namespace trestle::tools
