// Regions that were withdrawn while the other side may have been reading them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace trestle::ofi {

/// Software answers a remote read when it has time, from the memory itself, and says nothing of it.
/// But it sends in order: once a message has left that was posted after the region was closed, all
/// answers from it have left. Such a message is a fence; one at a time is under way.
class RetiredRegions {
 public:
  /// A region was closed; its operation ends behind the next fence.
  void add(std::uint64_t op) { unfenced_.push_back(op); }

  bool needs_fence() const noexcept { return !fence_ && !unfenced_.empty(); }
  /// Message `number` is the fence of all that were added until now.
  void begin_fence(std::uint32_t number) {
    fence_ = number;
    fenced_ = std::exchange(unfenced_, {});
  }
  /// The operations that end with that message; none if it is no fence.
  std::vector<std::uint64_t> end_fence(std::uint32_t number) {
    if (fence_ != number) return {};
    fence_.reset();
    return std::exchange(fenced_, {});
  }
  /// All of them: the endpoint was closed.
  std::vector<std::uint64_t> take_all() {
    fence_.reset();
    fenced_.insert(fenced_.end(), unfenced_.begin(), unfenced_.end());
    unfenced_.clear();
    return std::exchange(fenced_, {});
  }

 private:
  std::vector<std::uint64_t> unfenced_;
  std::vector<std::uint64_t> fenced_;
  std::optional<std::uint32_t> fence_;
};

}  // namespace trestle::ofi
