// Large blocks that come back, and the bound on those that are kept.
#include "memory/large_blocks.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstring>
#include <set>
#include <vector>

#include "platform/sanitizers.hpp"

namespace trestle::memory {
namespace {

constexpr std::size_t mebibyte = 1024 * 1024;

std::vector<void*> acquire(std::size_t count, std::size_t large_class) {
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < count; ++i) {
    blocks.push_back(acquire_large(large_class));
    std::memset(blocks.back(), 0x5A, large_bytes(large_class));
  }
  return blocks;
}

void release(const std::vector<void*>& blocks, std::size_t large_class) {
  for (void* block : blocks) release_large(block, large_class);
}

TEST(LargeBlocks, HaveASizeForEachLengthFrom64KiBTo4MiB) {
  EXPECT_EQ(large_bytes(large_class(block_bytes_max + 1)), 2 * block_bytes_max);
  EXPECT_EQ(large_bytes(large_class(mebibyte)), mebibyte);
  EXPECT_EQ(large_bytes(large_class(mebibyte + 1)), 2 * mebibyte);
  EXPECT_EQ(large_bytes(large_classes - 1), large_bytes_max);
}

TEST(LargeBlocks, GiveTheBlockOfThatSizeThatCameBackLast) {
  const std::size_t one = large_class(mebibyte);
  const auto blocks = acquire(2, one);
  release(blocks, one);
  release_large(acquire_large(large_class(128 * 1024)), large_class(128 * 1024));

  const auto again = acquire(2, one);

  EXPECT_EQ(again[0], blocks[1]);
  EXPECT_EQ(again[1], blocks[0]);
  release(again, one);
}

TEST(LargeBlocks, AreNeverGivenTwice) {
  for (std::size_t i = 0; i < large_classes; ++i) {
    const auto blocks = acquire(6, i);

    EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), 6u);
    release(blocks, i);
  }
}

TEST(LargeBlocks, MakeRoomForThoseThatAreReleasedLater) {
  const std::size_t small = large_class(128 * 1024);
  release(acquire(large_kept_blocks_max, small), small);
  void* largest = acquire_large(large_classes - 1);
  release_large(largest, large_classes - 1);

  void* again = acquire_large(large_classes - 1);

  EXPECT_EQ(again, largest);
  release_large(again, large_classes - 1);
}

TEST(LargeBlocks, AreKeptUpToABound) {
  if (platform::sanitized) GTEST_SKIP() << "the sanitizer's malloc tells nothing of its use";
  const auto used = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
  const auto blocks = acquire(16, large_class(mebibyte));
  const auto before = used();

  release(blocks, large_class(mebibyte));

  EXPECT_LE(used(), before - 11 * mebibyte) << "16 came back, 4 are kept, 1 for what else there is";
}

}  // namespace
}  // namespace trestle::memory
