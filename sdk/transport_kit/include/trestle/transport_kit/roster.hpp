// Connections and listeners of a transport: who is there, and when each of them may go.
#pragma once

#include <trestle/sdk/transport.hpp>
#include <trestle/transport_kit/loop.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace trestle::transport_kit {

/// Owns them, and keeps what the contract says of their ends: a listener stays until its UNLISTENED
/// was handed out, the bytes of a freed connection until the next round, DOWN is the last event.
/// `Connection` has `is_closed()` and `close(sdk::CloseMode)`, `Listener` `is_open()` and
/// `close()`.
template <class Connection, class Listener>
class Roster {
 public:
  /// Lifetime: the loop's is longer.
  explicit Roster(Loop& loop) : loop_(loop) {}

  /// Owns it from now on.
  Connection& add(std::unique_ptr<Connection> conn) {
    Connection& added = *conn;
    connections_.emplace(&added, std::move(conn));
    return added;
  }

  /// Owns it from now on.
  Listener& add(std::unique_ptr<Listener> listener) {
    listeners_.push_back(std::move(listener));
    return *listeners_.back();
  }

  /// The host has no more use for it.
  void free(Connection& conn) {
    auto owned = connections_.extract(&conn);
    if (!owned.empty()) freed_.push_back(std::move(owned.mapped()));
  }

  /// `progress` is a call of each: who has more to do than what the loop runs does it in between.
  void begin_round(std::span<tt_event> out) {
    // Nothing waiting means that UNLISTENED was handed out in an earlier batch.
    if (loop_.events().empty()) {
      std::erase_if(listeners_, [](const auto& listener) { return !listener->is_open(); });
    }
    loop_.begin(out);
    freed_.clear();
  }
  /// The rest of a round; what progress() returns.
  std::int32_t end_round() {
    loop_.run();
    if (is_down_due()) {
      phase_ = Phase::down;
      loop_.tell_down();
    }
    return static_cast<std::int32_t>(loop_.end());
  }

  /// Loop::arm(), and no sleep before DOWN if nothing else will come.
  sdk::Arming arm() {
    sdk::Arming arming = loop_.arm();
    if (is_down_due()) arming.may_sleep = false;
    return arming;
  }

  /// Ends all listeners, and all connections in good order; DOWN follows.
  void shut_down() {
    if (phase_ != Phase::open) return;
    phase_ = Phase::closing;
    for (const auto& listener : listeners_) listener->close();
    for (const auto& [ignored, conn] : connections_) conn->close(sdk::CloseMode::orderly);
    loop_.host().wake();  // DOWN may be due already
  }

  /// Whether there may be new ones.
  bool is_open() const noexcept { return phase_ == Phase::open; }

  /// Whether DOWN was handed out and every connection is freed.
  bool is_over() const noexcept {
    return phase_ == Phase::down && loop_.events().empty() && connections_.empty();
  }

 private:
  enum class Phase { open, closing, down };

  bool is_down_due() const {
    return phase_ == Phase::closing &&
           std::all_of(connections_.begin(), connections_.end(),
                       [](const auto& entry) { return entry.second->is_closed(); });
  }

  Loop& loop_;
  Phase phase_ = Phase::open;
  std::unordered_map<const Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Connection>> freed_;  ///< until the next round
};

}  // namespace trestle::transport_kit
