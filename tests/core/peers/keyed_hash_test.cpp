// Numbers that collide under one key are spread under another: counted, not timed.
#include "peers/keyed_hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace trestle::peers {
namespace {

constexpr std::size_t place_bits = 10;
constexpr std::size_t places = 1u << place_bits;

std::size_t place_of(std::uint64_t number, const KeyedHash& hash) {
  return hash(number) >> (64 - place_bits);
}

/// How many of the numbers share the place that most of them share.
std::size_t fullest_place(const std::vector<std::uint64_t>& numbers, const KeyedHash& hash) {
  std::vector<std::size_t> load(places);
  for (const std::uint64_t number : numbers) ++load[place_of(number, hash)];
  return *std::max_element(load.begin(), load.end());
}

/// As many numbers as there are places, and all in one of them: what an attacker would look for.
std::vector<std::uint64_t> colliding(const KeyedHash& hash) {
  std::vector<std::uint64_t> found;
  for (std::uint64_t number = 1; found.size() < places; ++number) {
    if (place_of(number, hash) == 0) found.push_back(number);
  }
  return found;
}

TEST(KeyedHash, SpreadsWhatCollidesUnderAnotherKey) {
  const KeyedHash known(0x0123456789ABCDEF);
  const std::vector<std::uint64_t> chosen = colliding(known);
  ASSERT_EQ(fullest_place(chosen, known), places);

  // About 7 of 1024 fall into the fullest of 1024 places.
  EXPECT_LE(fullest_place(chosen, KeyedHash(0xFEDCBA9876543210)), 24u);
  EXPECT_LE(fullest_place(chosen, KeyedHash()), 24u);
}

TEST(KeyedHash, SpreadsRegularNumbers) {
  for (int shift = 0; shift < 54; ++shift) {
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t i = 0; i < places; ++i) numbers.push_back(i << shift);

    EXPECT_LE(fullest_place(numbers, KeyedHash()), 48u) << shift;
  }
}

TEST(KeyedHash, IsTheSameInOneProcess) {
  EXPECT_EQ(KeyedHash()(7), KeyedHash()(7));
  EXPECT_NE(hash_key(), 0u);
}

}  // namespace
}  // namespace trestle::peers
