// Arithmetic of CRC-32C sums, from which tables and constants are made.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::platform {

/// A sum in progress is a polynomial over one bit, modulo the Castagnoli polynomial, highest power
/// in the lowest bit; without the inversions at both ends. 0x1EDC6F41, lowest bit first:
inline constexpr std::uint32_t crc32c_polynomial = 0x82F63B78;

/// What a sum becomes by a zero bit: its product with x.
constexpr std::uint32_t after_zero_bit(std::uint32_t sum) noexcept {
  return (sum >> 1) ^ ((sum & 1) != 0 ? crc32c_polynomial : 0);
}

/// What a sum becomes by a zero byte.
constexpr std::uint32_t after_zero_byte(std::uint32_t sum) noexcept {
  for (int bit = 0; bit < 8; ++bit) sum = after_zero_bit(sum);
  return sum;
}

/// x to the power `exponent`.
constexpr std::uint32_t power_of_x(std::size_t exponent) noexcept {
  std::uint32_t sum = 0x8000'0000;
  for (std::size_t i = 0; i < exponent; ++i) sum = after_zero_bit(sum);
  return sum;
}

}  // namespace trestle::platform
