// Folding: what stands at the front of the bytes is added, multiplied, to what stands further back.
#include "platform/crc32c_folding.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>

#include "platform/crc32c_arithmetic.hpp"
#endif

namespace trestle::platform {

#if defined(__x86_64__)

namespace {

// 128 bits are a polynomial, too: F x^64 + S, where F are the 64 bits that come first. To add them
// to those that come `bits` later, both halves are multiplied by the power of x that is between
// them and their new place. Factors stand in the upper halves of 64 bits, as lowest powers do when
// the highest power is the lowest bit; and products of numbers that are written so come out one
// place too low, x times too large.
using Factors = std::array<std::uint64_t, 2>;

constexpr Factors factors_of(std::size_t bits) noexcept {
  const std::uint64_t first = power_of_x(bits + 64 - 1);
  const std::uint64_t second = power_of_x(bits - 1);
  return {first << 32, second << 32};
}

constexpr Factors over_128 = factors_of(128);
constexpr Factors over_256 = factors_of(256);
constexpr Factors over_512 = factors_of(512);
constexpr Factors over_1024 = factors_of(1024);
constexpr Factors over_2048 = factors_of(2048);

constexpr int firsts = 0x00;   // multiplies the first halves
constexpr int seconds = 0x11;  // and the second ones

#define TRESTLE_FOLD_512 [[gnu::target("avx512f,vpclmulqdq,pclmul,sse4.2")]]
#define TRESTLE_FOLD_256 [[gnu::target("avx2,vpclmulqdq,pclmul,sse4.2")]]

TRESTLE_FOLD_512 inline __m512i load_512(const std::byte* at) noexcept {
  return _mm512_loadu_si512(at);
}

TRESTLE_FOLD_512 inline __m512i spread_512(const Factors& factors) noexcept {
  const auto first = static_cast<long long>(factors[0]);
  const auto second = static_cast<long long>(factors[1]);
  return _mm512_set_epi64(second, first, second, first, second, first, second, first);
}

TRESTLE_FOLD_512 inline __m512i folded(__m512i front, __m512i factors, __m512i back) noexcept {
  constexpr int sum_of_three = 0x96;
  return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(front, factors, firsts),
                                   _mm512_clmulepi64_epi128(front, factors, seconds), back,
                                   sum_of_three);
}

TRESTLE_FOLD_256 inline __m256i load_256(const std::byte* at) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

TRESTLE_FOLD_256 inline __m256i spread_256(const Factors& factors) noexcept {
  const auto first = static_cast<long long>(factors[0]);
  const auto second = static_cast<long long>(factors[1]);
  return _mm256_set_epi64x(second, first, second, first);
}

TRESTLE_FOLD_256 inline __m256i folded(__m256i front, __m256i factors, __m256i back) noexcept {
  const __m256i first = _mm256_clmulepi64_epi128(front, factors, firsts);
  const __m256i second = _mm256_clmulepi64_epi128(front, factors, seconds);
  return _mm256_xor_si256(_mm256_xor_si256(first, second), back);
}

#define TRESTLE_FOLD_128 [[gnu::target("pclmul,sse4.2")]]

TRESTLE_FOLD_128 inline __m128i folded(__m128i front, __m128i back) noexcept {
  const __m128i factors =
      _mm_set_epi64x(static_cast<long long>(over_128[1]), static_cast<long long>(over_128[0]));
  const __m128i first = _mm_clmulepi64_si128(front, factors, firsts);
  const __m128i second = _mm_clmulepi64_si128(front, factors, seconds);
  return _mm_xor_si128(_mm_xor_si128(first, second), back);
}

TRESTLE_FOLD_128 inline __m128i load_128(const std::byte* at) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

/// The sum of some lanes of 128 bits, one behind the other.
TRESTLE_FOLD_128 std::uint32_t sum_of_lanes(std::span<const std::byte> lanes) noexcept {
  __m128i all = load_128(lanes.data());
  for (std::size_t i = 16; i < lanes.size(); i += 16) all = folded(all, load_128(&lanes[i]));
  // The instruction for CRC-32C does for 128 bits what else takes some more products.
  const auto first = static_cast<std::uint64_t>(_mm_cvtsi128_si64(all));
  const auto second = static_cast<std::uint64_t>(_mm_extract_epi64(all, 1));
  return static_cast<std::uint32_t>(_mm_crc32_u64(_mm_crc32_u64(0, first), second));
}

}  // namespace

// The compilers' own test for AVX looks at what the system keeps of the registers, too.
bool can_fold_by_512() noexcept {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("vpclmulqdq") != 0 &&
         __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.2") != 0;
}

bool can_fold_by_256() noexcept {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("vpclmulqdq") != 0 &&
         __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.2") != 0;
}

// Four registers each: the products of one do not wait for those of another.

TRESTLE_FOLD_512 std::uint32_t fold_by_512(std::uint32_t sum,
                                           std::span<const std::byte> bytes) noexcept {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  const __m512i before = _mm512_set_epi64(0, 0, 0, 0, 0, 0, 0, sum);
  __m512i a = _mm512_xor_si512(load_512(at), before);
  __m512i b = load_512(at + 64);
  __m512i c = load_512(at + 128);
  __m512i d = load_512(at + 192);
  const __m512i far = spread_512(over_2048);
  for (at += 256; end - at >= 256; at += 256) {
    a = folded(a, far, load_512(at));
    b = folded(b, far, load_512(at + 64));
    c = folded(c, far, load_512(at + 128));
    d = folded(d, far, load_512(at + 192));
  }
  const __m512i near = spread_512(over_512);
  a = folded(folded(folded(a, near, b), near, c), near, d);
  for (; at != end; at += 64) a = folded(a, near, load_512(at));
  alignas(64) std::array<std::byte, 64> lanes;
  _mm512_store_si512(lanes.data(), a);
  return sum_of_lanes(lanes);
}

TRESTLE_FOLD_256 std::uint32_t fold_by_256(std::uint32_t sum,
                                           std::span<const std::byte> bytes) noexcept {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  const __m256i before = _mm256_set_epi64x(0, 0, 0, sum);
  __m256i a = _mm256_xor_si256(load_256(at), before);
  __m256i b = load_256(at + 32);
  __m256i c = load_256(at + 64);
  __m256i d = load_256(at + 96);
  const __m256i far = spread_256(over_1024);
  for (at += 128; end - at >= 128; at += 128) {
    a = folded(a, far, load_256(at));
    b = folded(b, far, load_256(at + 32));
    c = folded(c, far, load_256(at + 64));
    d = folded(d, far, load_256(at + 96));
  }
  const __m256i near = spread_256(over_256);
  a = folded(folded(folded(a, near, b), near, c), near, d);
  for (; at != end; at += 32) a = folded(a, near, load_256(at));
  alignas(32) std::array<std::byte, 32> lanes;
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes.data()), a);
  return sum_of_lanes(lanes);
}

#else

bool can_fold_by_512() noexcept {
  return false;
}

bool can_fold_by_256() noexcept {
  return false;
}

std::uint32_t fold_by_512(std::uint32_t sum, std::span<const std::byte> /*bytes*/) noexcept {
  return sum;
}

std::uint32_t fold_by_256(std::uint32_t sum, std::span<const std::byte> /*bytes*/) noexcept {
  return sum;
}

#endif

}  // namespace trestle::platform
