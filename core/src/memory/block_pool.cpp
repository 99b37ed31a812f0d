// Free blocks: two chains per thread and size, full chains travel between threads in one piece
// (Bonwick, Adams: "Magazines and Vmem", USENIX 2001).
#include "memory/block_pool.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

namespace trestle::memory {
namespace {

/// What a free block holds.
struct FreeBlock {
  FreeBlock* next = nullptr;
  FreeBlock* next_chain = nullptr;  // of the first block of a chain in the depot
};
static_assert(sizeof(FreeBlock) <= block_bytes_min);

constexpr std::array<std::uint32_t, block_classes> chain_lengths = [] {
  std::array<std::uint32_t, block_classes> lengths{};
  for (std::size_t i = 0; i < block_classes; ++i) {
    lengths[i] =
        static_cast<std::uint32_t>(std::clamp<std::size_t>(8 * 1024 / block_bytes(i), 1, 64));
  }
  return lengths;
}();

constexpr std::size_t depot_bytes_max = 1024 * 1024;

void free_chain(FreeBlock* chain) noexcept {
  while (chain != nullptr) ::operator delete(std::exchange(chain, chain->next));
}

/// Full chains of one size that no thread owns at present.
class Depot {
 public:
  /// False if there are enough.
  bool push(FreeBlock* chain, std::size_t chains_max) noexcept {
    const std::lock_guard lock(mutex_);
    if (count_ == chains_max) return false;
    chain->next_chain = std::exchange(chains_, chain);
    ++count_;
    return true;
  }

  FreeBlock* pop() noexcept {
    const std::lock_guard lock(mutex_);
    if (count_ == 0) return nullptr;
    --count_;
    return std::exchange(chains_, chains_->next_chain);
  }

 private:
  std::mutex mutex_;
  FreeBlock* chains_ = nullptr;
  std::size_t count_ = 0;
};

constinit std::array<Depot, block_classes> depots;

/// One thread's free blocks of one size.
struct FreeList {
  FreeBlock* head = nullptr;   // the chain in use
  FreeBlock* spare = nullptr;  // a full chain, or none
  std::uint32_t room = 0;      // blocks that the chain in use still takes
};

enum class ThreadState : std::uint8_t { fresh, running, ended };

struct ThreadCache {
  std::array<FreeList, block_classes> lists;
  ThreadState state = ThreadState::fresh;
};

// initial-exec: one instruction finds it, where a shared library would call __tls_get_addr for each
// message. It takes 272 bytes of what the C library reserves for that.
[[gnu::tls_model("initial-exec")]] constinit thread_local ThreadCache cache;

/// Empties the cache of a thread that ends. What it releases later is deleted.
struct ThreadEnd {
  ~ThreadEnd() {
    cache.state = ThreadState::ended;
    for (FreeList& list : cache.lists) {
      free_chain(std::exchange(list.head, nullptr));
      free_chain(std::exchange(list.spare, nullptr));
      list.room = 0;
    }
  }
};

/// True if this thread may keep blocks. The first time it sees to it that the thread's end frees
/// them, which a cache with a destructor would check on each access.
bool may_keep() noexcept {
  if (cache.state == ThreadState::fresh) {
    thread_local ThreadEnd at_end;
    static_cast<void>(&at_end);
    cache.state = ThreadState::running;
    for (std::size_t i = 0; i < block_classes; ++i) cache.lists[i].room = chain_lengths[i];
  }
  return cache.state == ThreadState::running;
}

[[gnu::noinline]] void* refill(std::size_t block_class) {
  FreeList& list = cache.lists[block_class];
  if (may_keep()) {
    FreeBlock* chain = std::exchange(list.spare, nullptr);
    if (chain == nullptr) chain = depots[block_class].pop();
    if (chain != nullptr) {
      list.head = chain->next;
      list.room = 1;
      return chain;
    }
  }
  return ::operator new(block_bytes(block_class));
}

[[gnu::noinline]] void overflow(FreeBlock* block, std::size_t block_class) noexcept {
  if (!may_keep()) return ::operator delete(block);
  FreeList& list = cache.lists[block_class];
  const std::uint32_t length = chain_lengths[block_class];
  if (list.room == 0) {
    const std::size_t chains_max = depot_bytes_max / (length * block_bytes(block_class));
    FreeBlock* full = std::exchange(list.spare, std::exchange(list.head, nullptr));
    if (full != nullptr && !depots[block_class].push(full, chains_max)) free_chain(full);
    list.room = length;
  }
  block->next = std::exchange(list.head, block);
  --list.room;
}

}  // namespace

void* acquire_block(std::size_t block_class) {
  FreeList& list = cache.lists[block_class];
  FreeBlock* block = list.head;
  if (block == nullptr) return refill(block_class);
  list.head = block->next;
  ++list.room;
  return block;
}

void release_block(void* block, std::size_t block_class) noexcept {
  FreeList& list = cache.lists[block_class];
  auto* freed = static_cast<FreeBlock*>(block);
  if (list.room == 0) return overflow(freed, block_class);
  freed->next = list.head;
  list.head = freed;
  --list.room;
}

}  // namespace trestle::memory
