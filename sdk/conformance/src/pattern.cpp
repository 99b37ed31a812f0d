// A multiplicative sequence: cheap, and no two packets look alike.
#include "pattern.hpp"

#include <algorithm>
#include <cstring>

namespace trestle::conformance {

std::vector<std::byte> make_pattern(std::uint64_t number, std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::uint64_t word = number * 0x9E3779B97F4A7C15ull + size;
  for (std::size_t at = 0; at < size; at += sizeof(word)) {
    word = word * 6364136223846793005ull + 1442695040888963407ull;
    std::memcpy(bytes.data() + at, &word, std::min(sizeof(word), size - at));
  }
  return bytes;
}

bool is_pattern(std::uint64_t number, std::span<const std::byte> bytes) {
  const auto expected = make_pattern(number, bytes.size());
  return std::equal(expected.begin(), expected.end(), bytes.begin());
}

}  // namespace trestle::conformance
