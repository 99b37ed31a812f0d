// Connections whose packets wait for the next turn.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "peers/connection.hpp"

namespace trestle::peers {

/// Each is there once. Threads: under the engine's lock.
class Backlog {
 public:
  /// `turn`: what is handled of all that are here, at once. `bytes_max`: of the packets that wait,
  /// on all connections; then who has most of them goes.
  Backlog(const TurnLimits& turn, std::size_t bytes_max) noexcept
      : turn_(turn), share_(turn), bytes_max_(bytes_max) {}

  /// What a connection gets of the present turn.
  const TurnLimits& share() const noexcept { return share_; }

  bool empty() const noexcept { return waiting_.empty(); }

  void add(Connection& connection) { waiting_.push_back(connection.shared_from_this()); }

  /// Every connection reads its share; returns how many there were. Who has more is added again.
  std::size_t read_on() {
    if (waiting_.empty() && !is_split_) return 0;
    return read_waiting();
  }

  void clear() noexcept { waiting_.clear(); }

 private:
  std::size_t read_waiting() {
    share_ = split(turn_, waiting_.size());
    is_split_ = waiting_.size() > 1;
    present_.swap(waiting_);
    for (const auto& connection : present_) connection->read_on();
    const std::size_t count = present_.size();
    present_.clear();
    while (bytes() > bytes_max_) {
      const auto most = std::max_element(waiting_.begin(), waiting_.end(), has_less);
      const std::shared_ptr<Connection> leaving = std::move(*most);
      waiting_.erase(most);
      leaving->end_for_memory(bytes_max_);
    }
    return count;
  }

  std::size_t bytes() const noexcept {
    std::size_t bytes = 0;
    for (const auto& connection : waiting_) bytes += connection->waiting_bytes();
    return bytes;
  }
  static bool has_less(const std::shared_ptr<Connection>& a,
                       const std::shared_ptr<Connection>& b) noexcept {
    return a->waiting_bytes() < b->waiting_bytes();
  }

  const TurnLimits turn_;
  TurnLimits share_;
  bool is_split_ = false;  // the share is less than the turn
  const std::size_t bytes_max_;
  std::vector<std::shared_ptr<Connection>> waiting_;
  std::vector<std::shared_ptr<Connection>> present_;  // keeps its memory
};

}  // namespace trestle::peers
