// Connections that came in and have not said who they are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>

#include "peers/connection.hpp"

namespace trestle::peers {

/// Keeps them few: whoever connects and keeps silent costs a descriptor until its handshake is
/// over, and anybody can do that. Threads: under the engine's lock.
class Strangers {
 public:
  /// At least one is allowed.
  explicit Strangers(std::size_t count_max) noexcept
      : count_max_(std::max<std::size_t>(count_max, 1)) {}

  void add(Connection& connection) { silent_.emplace(connection.number(), &connection); }
  /// It said who it is, or it is gone.
  void remove(const Connection& connection) { silent_.erase(connection.number()); }

  /// The one that has been silent for longest, if they are too many; it is not one of them any
  /// more. Null if they are not.
  Connection* take_surplus() {
    if (silent_.size() <= count_max_) return nullptr;
    Connection* const oldest = silent_.begin()->second;
    silent_.erase(silent_.begin());
    return oldest;
  }

  std::size_t count_max() const noexcept { return count_max_; }

 private:
  const std::size_t count_max_;
  std::map<std::uint32_t, Connection*> silent_;  // by number: in the order in which they came
};

}  // namespace trestle::peers
