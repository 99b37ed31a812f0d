// A queue without an allocation per element, and without memory worth naming while it is empty.
#pragma once

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "memory/block_allocator.hpp"

namespace trestle::memory {

/// First in, first out. Elements move when the queue grows.
template <class T>
class Fifo {
 public:
  using Items = std::vector<T, BlockAllocator<T>>;
  using iterator = typename Items::iterator;

  bool empty() const noexcept { return items_.empty(); }
  std::size_t size() const noexcept { return items_.size() - head_; }
  iterator begin() noexcept { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  iterator end() noexcept { return items_.end(); }
  T& front() noexcept { return items_[head_]; }
  T& back() noexcept { return items_.back(); }

  T& push_back(T item) { return items_.emplace_back(std::move(item)); }

  /// Destroys the front.
  void pop_front() {
    if (head_ + 1 == items_.size()) return clear();
    items_[head_++] = T();
    if (head_ >= gone_min && 2 * head_ >= items_.size()) {
      // As many leave as move: each element moves about once.
      items_.erase(items_.begin(), begin());
      head_ = 0;
    }
  }

  void clear() noexcept {
    items_.clear();
    head_ = 0;
    if (items_.capacity() * sizeof(T) > kept_bytes_max) Items().swap(items_);
  }

 private:
  static constexpr std::size_t gone_min = 16;
  static constexpr std::size_t kept_bytes_max = 512;

  Items items_;
  std::size_t head_ = 0;  // those before it have left
};

}  // namespace trestle::memory
