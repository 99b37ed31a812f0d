// Recycled blocks for containers and for single objects.
#pragma once

#include <cstddef>
#include <new>

#include "memory/block_pool.hpp"
#include "platform/sanitizers.hpp"

namespace trestle::memory {

/// At least `size` bytes. Under sanitizers these are new ones each time, so that a use after the
/// end is found. Errors: throws std::bad_alloc.
inline void* allocate(std::size_t size) {
  if (platform::sanitized || size - 1 >= block_bytes_max) return ::operator new(size);
  return acquire_block(block_class(size));
}

/// `size` as it was allocated.
inline void deallocate(void* memory, std::size_t size) noexcept {
  if (platform::sanitized || size - 1 >= block_bytes_max) return ::operator delete(memory);
  release_block(memory, block_class(size));
}

/// Gives a standard container recycled blocks.
template <class T>
struct BlockAllocator {
  static_assert(alignof(T) <= alignof(std::max_align_t));
  using value_type = T;

  BlockAllocator() noexcept = default;
  template <class U>
  BlockAllocator(const BlockAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(memory::allocate(count * sizeof(T)));
  }
  void deallocate(T* items, std::size_t count) noexcept {
    memory::deallocate(items, count * sizeof(T));
  }

  friend bool operator==(const BlockAllocator&, const BlockAllocator&) noexcept { return true; }
};

}  // namespace trestle::memory
