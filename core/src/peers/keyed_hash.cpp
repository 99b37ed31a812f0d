// The key.
#include "peers/keyed_hash.hpp"

#include <random>

namespace trestle::peers {

std::uint64_t hash_key() {
  static const std::uint64_t key = [] {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
  }();
  return key;
}

}  // namespace trestle::peers
