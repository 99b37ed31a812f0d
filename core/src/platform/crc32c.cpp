// The instruction in three lanes, a table of eight bytes per step, and the choice of a way.
#include "platform/crc32c.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "platform/crc32c_arithmetic.hpp"
#include "platform/crc32c_folding.hpp"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace trestle::platform {
namespace {

using Rows = std::array<std::uint32_t, 256>;

/// [k][v]: what the byte v becomes after k more zero bytes.
constexpr auto byte_tables = [] {
  std::array<Rows, 8> tables{};
  for (std::uint32_t v = 0; v < 256; ++v) tables[0][v] = after_zero_byte(v);
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t v = 0; v < 256; ++v) {
      const std::uint32_t last = tables[k - 1][v];
      tables[k][v] = (last >> 8) ^ tables[0][last & 0xFF];
    }
  }
  return tables;
}();

constexpr std::uint32_t step(std::uint32_t sum, std::byte byte) noexcept {
  return (sum >> 8) ^ byte_tables[0][(sum ^ std::to_integer<std::uint32_t>(byte)) & 0xFF];
}

std::uint32_t add_by_table(std::uint32_t sum, std::span<const std::byte> bytes) noexcept {
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const auto mixed = i < 4 ? sum >> (8 * i) & 0xFF : 0;
      next ^= byte_tables[7 - i][mixed ^ std::to_integer<std::uint32_t>(bytes[i])];
    }
    sum = next;
  }
  for (const std::byte byte : bytes) sum = step(sum, byte);
  return sum;
}

#if defined(__x86_64__) || (defined(__aarch64__) && defined(__linux__))

/// A sum that takes three cycles per word leaves room for two more beside it.
constexpr std::size_t lane_bytes = 1024;

using Matrix = std::array<std::uint32_t, 32>;  // what each bit of a sum becomes

constexpr std::uint32_t product(const Matrix& matrix, std::uint32_t sum) noexcept {
  std::uint32_t result = 0;
  for (std::size_t bit = 0; bit < 32; ++bit) result ^= (sum >> bit & 1) != 0 ? matrix[bit] : 0;
  return result;
}

/// [k][v]: what the byte v at place k of a sum becomes after a lane of zeros.
constexpr auto lane_tables = [] {
  Matrix zeros{};
  for (std::size_t bit = 0; bit < 32; ++bit) zeros[bit] = after_zero_byte(1u << bit);
  for (std::size_t bytes = 1; bytes < lane_bytes; bytes *= 2) {
    Matrix twice{};
    for (std::size_t bit = 0; bit < 32; ++bit) twice[bit] = product(zeros, zeros[bit]);
    zeros = twice;
  }
  std::array<Rows, 4> tables{};
  for (std::uint32_t k = 0; k < 4; ++k) {
    for (std::uint32_t v = 0; v < 256; ++v) tables[k][v] = product(zeros, v << (8 * k));
  }
  return tables;
}();

std::uint32_t after_zero_lane(std::uint32_t sum) noexcept {
  return lane_tables[0][sum & 0xFF] ^ lane_tables[1][sum >> 8 & 0xFF] ^
         lane_tables[2][sum >> 16 & 0xFF] ^ lane_tables[3][sum >> 24];
}

#if defined(__x86_64__)
#define TRESTLE_CRC_TARGET [[gnu::target("sse4.2")]]
TRESTLE_CRC_TARGET inline std::uint32_t add_word(std::uint32_t sum, const std::byte* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return static_cast<std::uint32_t>(_mm_crc32_u64(sum, word));
}
TRESTLE_CRC_TARGET inline std::uint32_t add_byte(std::uint32_t sum, std::byte byte) noexcept {
  return _mm_crc32_u8(sum, std::to_integer<std::uint8_t>(byte));
}
#else
#define TRESTLE_CRC_TARGET [[gnu::target("+crc")]]
TRESTLE_CRC_TARGET inline std::uint32_t add_word(std::uint32_t sum, const std::byte* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return __crc32cd(sum, word);
}
TRESTLE_CRC_TARGET inline std::uint32_t add_byte(std::uint32_t sum, std::byte byte) noexcept {
  return __crc32cb(sum, std::to_integer<std::uint8_t>(byte));
}
#endif

/// Of a sum in progress, which it returns.
TRESTLE_CRC_TARGET std::uint32_t add_by_instruction(std::uint32_t sum,
                                                    std::span<const std::byte> bytes) noexcept {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  for (; static_cast<std::size_t>(end - at) >= 3 * lane_bytes; at += 3 * lane_bytes) {
    std::uint32_t second = 0;
    std::uint32_t third = 0;
    for (std::size_t i = 0; i < lane_bytes; i += 8) {
      sum = add_word(sum, at + i);
      second = add_word(second, at + lane_bytes + i);
      third = add_word(third, at + 2 * lane_bytes + i);
    }
    sum = after_zero_lane(after_zero_lane(sum) ^ second) ^ third;
  }
  for (; end - at >= 8; at += 8) sum = add_word(sum, at);
  for (; at != end; ++at) sum = add_byte(sum, *at);
  return sum;
}

bool has_instruction() noexcept {
#if defined(__x86_64__)
  return __builtin_cpu_supports("sse4.2") != 0;
#else
  return (::getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#endif
}

#else

std::uint32_t add_by_instruction(std::uint32_t sum, std::span<const std::byte> bytes) noexcept {
  return add_by_table(sum, bytes);
}

bool has_instruction() noexcept {
  return false;
}

#endif

using Sum = std::uint32_t(std::uint32_t sum, std::span<const std::byte> bytes) noexcept;

template <Sum& fold>
std::uint32_t add_by_folding(std::uint32_t sum, std::span<const std::byte> bytes) noexcept {
  if (bytes.size() >= fold_bytes_min) {
    const std::size_t whole = bytes.size() / fold_step_bytes * fold_step_bytes;
    sum = fold(sum, bytes.first(whole));
    bytes = bytes.subspan(whole);
  }
  return add_by_instruction(sum, bytes);
}

Sum* function_of(Crc32cWay way) noexcept {
  switch (way) {
    case Crc32cWay::table:
      break;
    case Crc32cWay::instruction:
      return &add_by_instruction;
    case Crc32cWay::folding_256:
      return &add_by_folding<fold_by_256>;
    case Crc32cWay::folding_512:
      return &add_by_folding<fold_by_512>;
  }
  return &add_by_table;
}

}  // namespace

bool has_crc32c_way(Crc32cWay way) noexcept {
  switch (way) {
    case Crc32cWay::table:
      break;
    case Crc32cWay::instruction:
      return has_instruction();
    case Crc32cWay::folding_256:
      return can_fold_by_256();
    case Crc32cWay::folding_512:
      return can_fold_by_512();
  }
  return true;
}

std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) noexcept {
  static Sum* const fastest = function_of(*std::ranges::find_if(crc32c_ways, has_crc32c_way));
  return ~fastest(~before, bytes);
}

std::uint32_t crc32c_by(Crc32cWay way, std::uint32_t before,
                        std::span<const std::byte> bytes) noexcept {
  return ~function_of(way)(~before, bytes);
}

}  // namespace trestle::platform
