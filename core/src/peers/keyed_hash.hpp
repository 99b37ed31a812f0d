// A hash of numbers that others choose: they cannot know which of them meet in one place.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::peers {

/// Each process has a key of its own, made when it is first asked for.
std::uint64_t hash_key();

/// For tables whose keys come from peers: who knows the hash could else have all of them collide.
class KeyedHash {
 public:
  KeyedHash() : key_(hash_key()) {}
  explicit KeyedHash(std::uint64_t key) noexcept : key_(key) {}

  std::size_t operator()(std::uint64_t number) const noexcept {
    // The first step is injective and unknown to others; the second brings all bits to the top.
    std::uint64_t mixed = (number ^ key_) * (key_ | 1);
    mixed = (mixed ^ (mixed >> 32)) * 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(mixed ^ (mixed >> 29));
  }

 private:
  std::uint64_t key_;
};

}  // namespace trestle::peers
