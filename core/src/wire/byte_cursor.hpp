// Little-endian integers and byte ranges, written to and read from plain bytes.
#pragma once

#include <trestle/payload.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace trestle::wire {

/// Between the order of this machine and little-endian. GCC 12 makes one load or store of it at
/// -O2, where it keeps a loop of shifts as a loop.
template <std::size_t Size>
constexpr std::array<std::byte, Size> swapped_on_big_endian(
    std::array<std::byte, Size> bytes) noexcept {
  if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(bytes);
  return bytes;
}

/// Writes values one behind the other into memory. Programmers fill all of it.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<std::byte> room) noexcept
      : at_(room.data()), end_(room.data() + room.size()) {}
  ByteWriter(const ByteWriter&) = delete;
  ByteWriter& operator=(const ByteWriter&) = delete;
  ~ByteWriter() { assert(at_ == end_); }

  template <std::unsigned_integral T>
  ByteWriter& put(T value) noexcept {
    const auto little =
        swapped_on_big_endian(std::bit_cast<std::array<std::byte, sizeof(T)>>(value));
    std::memcpy(take(sizeof(T)), little.data(), sizeof(T));
    return *this;
  }

  ByteWriter& put(BytesView bytes) noexcept {
    std::byte* const at = take(bytes.size());
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    return *this;
  }

  ByteWriter& put(const std::array<std::uint8_t, 16>& bytes) noexcept {
    return put(std::as_bytes(std::span(bytes)));
  }

  /// `Count` bytes of zero, kept for later versions.
  template <std::size_t Count>
  ByteWriter& reserve() noexcept {
    std::memset(take(Count), 0, Count);
    return *this;
  }

 private:
  std::byte* take(std::size_t count) noexcept {
    assert(static_cast<std::size_t>(end_ - at_) >= count);
    return std::exchange(at_, at_ + count);
  }

  std::byte* at_;
  [[maybe_unused]] std::byte* end_;
};

/// Reads values off the front of bytes. Past the end it reads zeros, never memory: callers compare
/// sizes first, because only they can say what was missing.
class ByteReader {
 public:
  explicit ByteReader(BytesView bytes) noexcept : bytes_(bytes) {}

  /// Bytes left.
  std::size_t size() const noexcept { return bytes_.size() - taken_; }

  template <std::unsigned_integral T>
  T get() noexcept {
    const BytesView bytes = take(sizeof(T));
    if (bytes.size() < sizeof(T)) return 0;
    std::array<std::byte, sizeof(T)> little;
    std::memcpy(little.data(), bytes.data(), sizeof(T));
    return std::bit_cast<T>(swapped_on_big_endian(little));
  }

  std::array<std::uint8_t, 16> get_16_bytes() noexcept {
    std::array<std::uint8_t, 16> value{};
    std::ranges::copy(take(value.size()), std::as_writable_bytes(std::span(value)).begin());
    return value;
  }

  /// The next `count` bytes, or as many as are left.
  BytesView take(std::size_t count) noexcept {
    const std::size_t from = taken_;
    taken_ += std::min(count, size());
    return bytes_.subspan(from, taken_ - from);
  }

 private:
  BytesView bytes_;
  std::size_t taken_ = 0;
};

}  // namespace trestle::wire
