// What waits to be sent, on one connection and on all of its node.
#pragma once

#include <algorithm>
#include <cstddef>

namespace trestle::peers {

/// All connections of a node. Peers that ask and do not read could fill a queue each; together they
/// get no more than this. Threads: under the engine's lock.
class UnsentTotal {
 public:
  explicit UnsentTotal(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  std::size_t bytes_max() const noexcept { return bytes_max_; }
  /// What may still be queued. A connection that has more than this in its queue gets no more room
  /// for what its peer asks for, see dispatch::FairBudget.
  std::size_t left() const noexcept { return bytes_max_ - std::min(bytes_, bytes_max_); }

 private:
  friend class UnsentBytes;
  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
};

/// One connection's part of it. Lifetime: the total's is longer, or it is empty by then.
class UnsentBytes {
 public:
  explicit UnsentBytes(UnsentTotal* total) noexcept : total_(total) {}
  UnsentBytes(const UnsentBytes&) = delete;
  UnsentBytes& operator=(const UnsentBytes&) = delete;

  operator std::size_t() const noexcept { return bytes_; }
  UnsentBytes& operator+=(std::size_t bytes) noexcept {
    bytes_ += bytes;
    if (total_ != nullptr) total_->bytes_ += bytes;
    return *this;
  }
  UnsentBytes& operator-=(std::size_t bytes) noexcept {
    bytes_ -= bytes;
    if (total_ != nullptr) total_->bytes_ -= bytes;
    return *this;
  }
  void clear() noexcept { *this -= bytes_; }

 private:
  UnsentTotal* const total_;
  std::size_t bytes_ = 0;
};

}  // namespace trestle::peers
