// Bytes under construction: grows without clearing, in memory that is recycled.
#pragma once

#include <trestle/payload.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <utility>

#include "memory/block_allocator.hpp"

namespace trestle::wire {

/// Up to 64 KiB its memory is a block of memory::block_pool, so that making and dropping one costs
/// little.
class Buffer {
 public:
  Buffer() noexcept = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer(std::move(other)).swap(*this);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (bytes_ != nullptr) memory::deallocate(bytes_, capacity_);
  }

  std::byte* data() noexcept { return bytes_; }
  const std::byte* data() const noexcept { return bytes_; }
  std::byte* begin() noexcept { return bytes_; }
  std::byte* end() noexcept { return bytes_ + size_; }
  const std::byte* begin() const noexcept { return bytes_; }
  const std::byte* end() const noexcept { return bytes_ + size_; }
  BytesView view() const noexcept { return {bytes_, size_}; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }

  /// `count` more bytes, unset; the caller writes all of them.
  std::byte* extend(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    std::byte* const added = bytes_ + size_;
    size_ += count;
    return added;
  }
  void append(BytesView bytes) {
    std::byte* const added = extend(bytes.size());
    if (!bytes.empty()) std::memcpy(added, bytes.data(), bytes.size());
  }
  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(capacity - size_);
  }
  /// Keeps the memory.
  void clear() noexcept { size_ = 0; }

  void swap(Buffer& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  friend bool operator==(const Buffer& a, const Buffer& b) noexcept {
    return std::ranges::equal(a, b);
  }

 private:
  [[gnu::noinline]] void grow(std::size_t count) {
    std::size_t capacity = std::max({2 * capacity_, size_ + count, bytes_min});
    if (capacity < memory::block_bytes_max) capacity = std::bit_ceil(capacity);
    auto* larger = static_cast<std::byte*>(memory::allocate(capacity));
    if (size_ != 0) std::memcpy(larger, bytes_, size_);
    if (bytes_ != nullptr) memory::deallocate(bytes_, capacity_);
    bytes_ = larger;
    capacity_ = capacity;
  }

  static constexpr std::size_t bytes_min = 256;

  std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace trestle::wire
