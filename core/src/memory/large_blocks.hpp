// Large blocks of memory that come back: fresh memory costs a page fault for every 4 KiB of it.
#pragma once

#include <cstddef>

#include "memory/block_pool.hpp"

namespace trestle::memory {

/// Large blocks have twice block_bytes_max, or twice that, and so on up to 4 MiB.
inline constexpr std::size_t large_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t large_classes =
    block_class(large_bytes_max) - block_class(block_bytes_max);

/// Which size a large block for `size` bytes has; `size` is above block_bytes_max.
constexpr std::size_t large_class(std::size_t size) noexcept {
  return block_class(size) - block_classes;
}

constexpr std::size_t large_bytes(std::size_t large_class) noexcept {
  return block_bytes(large_class + block_classes);
}

/// Of all free blocks that the process keeps, of whatever class; those that were released first go
/// first.
inline constexpr std::size_t large_kept_bytes_max = large_bytes_max;
inline constexpr std::size_t large_kept_blocks_max = large_kept_bytes_max / large_bytes(0);

/// The block of that class that was released last, or a new one, aligned as by operator new.
/// Errors: throws std::bad_alloc.
/// Threads: any.
void* acquire_large(std::size_t large_class);

/// Takes back a block of acquire_large, on any thread.
void release_large(void* block, std::size_t large_class) noexcept;

}  // namespace trestle::memory
