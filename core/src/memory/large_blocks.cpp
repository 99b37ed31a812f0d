// The few large blocks that are kept. A lock is nothing beside filling one of them.
#include "memory/large_blocks.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <new>

namespace trestle::memory {
namespace {

struct Kept {
  void* block = nullptr;
  std::size_t bytes = 0;
};

/// Free blocks in the order of their release. Has no destructor: payloads may be released after
/// those of statics have run.
class KeptBlocks {
 public:
  /// Null if there is none of that size.
  void* take(std::size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    // From the end: what was used last is most likely still in a processor's cache.
    for (std::size_t i = count_; i-- > 0;) {
      if (kept_[i].bytes != bytes) continue;
      void* block = kept_[i].block;
      std::copy(kept_.begin() + i + 1, kept_.begin() + count_, kept_.begin() + i);
      --count_;
      bytes_ -= bytes;
      return block;
    }
    return nullptr;
  }

  /// Keeps one more; returns how many of `dropped`, the oldest ones, had to go for it.
  std::size_t keep(Kept added, std::array<void*, large_kept_blocks_max>& dropped) noexcept {
    const std::lock_guard lock(mutex_);
    std::size_t gone = 0;
    while (bytes_ + added.bytes > large_kept_bytes_max) {
      bytes_ -= kept_[gone].bytes;
      dropped[gone] = kept_[gone].block;
      ++gone;
    }
    std::copy(kept_.begin() + gone, kept_.begin() + count_, kept_.begin());
    count_ -= gone;
    kept_[count_++] = added;
    bytes_ += added.bytes;
    return gone;
  }

 private:
  std::mutex mutex_;
  std::array<Kept, large_kept_blocks_max> kept_{};
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

constinit KeptBlocks kept_blocks;

}  // namespace

void* acquire_large(std::size_t large_class) {
  void* block = kept_blocks.take(large_bytes(large_class));
  return block != nullptr ? block : ::operator new(large_bytes(large_class));
}

void release_large(void* block, std::size_t large_class) noexcept {
  std::array<void*, large_kept_blocks_max> dropped;
  const std::size_t gone = kept_blocks.keep({block, large_bytes(large_class)}, dropped);
  std::for_each(dropped.begin(), dropped.begin() + gone, [](void* old) { ::operator delete(old); });
}

}  // namespace trestle::memory
