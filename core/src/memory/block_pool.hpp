// Blocks of memory that come back: small messages cost no malloc once the first ones went through.
#pragma once

#include <bit>
#include <cstddef>

namespace trestle::memory {

/// Blocks have 64 bytes, or twice that, and so on up to 64 KiB: the largest packet under
/// construction. Larger ones: large_blocks.hpp.
inline constexpr std::size_t block_bytes_min = 64;
inline constexpr std::size_t block_bytes_max = 64 * 1024;

/// Which size a block for `size` bytes has; `size` is at least 1.
constexpr std::size_t block_class(std::size_t size) noexcept {
  return static_cast<std::size_t>(std::bit_width((size - 1) | (block_bytes_min - 1))) - 6;
}
inline constexpr std::size_t block_classes = block_class(block_bytes_max) + 1;

constexpr std::size_t block_bytes(std::size_t block_class) noexcept {
  return block_bytes_min << block_class;
}

/// A block of that class, aligned as by operator new. Of each class a thread keeps at most 16 KiB
/// in free blocks, or two blocks, and the process 1 MiB more, for blocks that are acquired on one
/// thread and released on another. What is beyond that is deleted, as is all that a thread kept
/// when it ends.
/// Errors: throws std::bad_alloc.
/// Threads: any.
void* acquire_block(std::size_t block_class);

/// Takes back a block of acquire_block, on any thread.
void release_block(void* block, std::size_t block_class) noexcept;

}  // namespace trestle::memory
