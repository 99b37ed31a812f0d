// Blocks that come back: to the same thread, to others, and to the system when a thread ends.
#include "memory/block_pool.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "platform/sanitizers.hpp"

namespace trestle::memory {
namespace {

std::vector<void*> acquire(std::size_t count, std::size_t block_class) {
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < count; ++i) {
    blocks.push_back(acquire_block(block_class));
    std::memset(blocks.back(), 0x5A, block_bytes(block_class));
  }
  return blocks;
}

void release(const std::vector<void*>& blocks, std::size_t block_class) {
  for (void* block : blocks) release_block(block, block_class);
}

TEST(BlockPool, HasASizeForEachLengthUpTo64KiB) {
  EXPECT_EQ(block_bytes(block_class(1)), 64u);
  EXPECT_EQ(block_bytes(block_class(64)), 64u);
  EXPECT_EQ(block_bytes(block_class(65)), 128u);
  EXPECT_EQ(block_bytes(block_class(4096)), 4096u);
  EXPECT_EQ(block_bytes(block_class(4097)), 8192u);
  EXPECT_EQ(block_bytes(block_classes - 1), block_bytes_max);
}

TEST(BlockPool, GivesTheBlockThatCameBackLast) {
  for (std::size_t i = 0; i < block_classes; ++i) {
    void* first = acquire_block(i);
    release_block(first, i);

    void* second = acquire_block(i);

    EXPECT_EQ(first, second);
    release_block(second, i);
  }
}

TEST(BlockPool, NeverGivesABlockTwice) {
  for (std::size_t round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < block_classes; ++i) {
      const auto blocks = acquire(300, i);

      EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), 300u);
      release(blocks, i);
    }
  }
}

TEST(BlockPool, GivesBlocksOfOneThreadToAnother) {
  const std::size_t small = block_class(64);
  const auto blocks = acquire(4096, small);
  release(blocks, small);
  std::size_t seen_before = 0;

  std::thread([&] {
    const std::set<void*> known(blocks.begin(), blocks.end());
    const auto others = acquire(512, small);
    for (void* block : others) seen_before += known.count(block);
    release(others, small);
  }).join();

  EXPECT_EQ(seen_before, 512u);
}

TEST(BlockPool, KeepsABoundedNumberOfBlocks) {
  if (platform::sanitized) GTEST_SKIP() << "the sanitizer's malloc tells nothing of its use";
  const std::size_t large = block_classes - 1;
  release(acquire(64, large), large);

  const auto used = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
  const auto before = used();
  release(acquire(256, large), large);  // 16 MiB
  const auto after = used();

  EXPECT_LT(after - before, 2u << 20);
}

TEST(BlockPool, FreesWhatAThreadKeptWhenItEnds) {
  if (platform::sanitized) GTEST_SKIP() << "the sanitizer's malloc tells nothing of its use";
  const std::size_t small = block_class(64);
  const auto keep_some = [&] { release(acquire(100, small), small); };
  std::thread(keep_some).join();
  const auto before = mallinfo2().uordblks;

  for (int i = 0; i < 50; ++i) std::thread(keep_some).join();

  EXPECT_LT(mallinfo2().uordblks, before + 64 * 1024);  // 50 times 100 blocks are 312 KiB
}

struct LateRelease {
  ~LateRelease() {
    if (block != nullptr) release_block(block, 0);
  }
  void* block = nullptr;
};

TEST(BlockPool, TakesBlocksFromAThreadThatIsEnding) {
  std::thread([] {
    // Made before the pool's own end of thread, so it is destroyed after that.
    thread_local LateRelease late;
    late.block = acquire_block(0);
    release(acquire(100, 0), 0);
  }).join();
}

}  // namespace
}  // namespace trestle::memory
