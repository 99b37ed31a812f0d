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

namespace trestle::wire {

/// Between the order of this machine and little-endian. GCC 12 makes one load or store of it at
/// -O2, where it keeps a loop of shifts as a loop.
template <std::size_t Size>
constexpr std::array<std::byte, Size> swapped_on_big_endian(
    std::array<std::byte, Size> bytes) noexcept {
  if constexpr (std::endian::native == std::endian::big) std::ranges::reverse(bytes);
  return bytes;
}

/// Exactly `Size` bytes, filled from the front by values. Programmers fill all of them.
template <std::size_t Size>
class FixedBytes {
 public:
  template <std::unsigned_integral T>
  FixedBytes& put(T value) noexcept {
    assert(Size - used_ >= sizeof(T));
    const auto little =
        swapped_on_big_endian(std::bit_cast<std::array<std::byte, sizeof(T)>>(value));
    std::memcpy(bytes_.data() + used_, little.data(), sizeof(T));
    used_ += sizeof(T);
    return *this;
  }

  FixedBytes& put(const std::array<std::uint8_t, 16>& bytes) noexcept {
    assert(Size - used_ >= bytes.size());
    std::ranges::copy(std::as_bytes(std::span(bytes)), bytes_.begin() + used_);
    used_ += bytes.size();
    return *this;
  }

  /// `count` bytes of zero, kept for later versions.
  FixedBytes& reserve(std::size_t count) noexcept {
    assert(Size - used_ >= count);
    used_ += count;
    return *this;
  }

  const std::array<std::byte, Size>& bytes() const noexcept {
    assert(used_ == Size);
    return bytes_;
  }

 private:
  std::array<std::byte, Size> bytes_{};
  std::size_t used_ = 0;
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
