// Linux: the boot id, and the inode of the network namespace.
#include "platform/host_identity.hpp"

#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <string>

namespace trestle::platform {
namespace {

std::array<std::uint8_t, 16> read_host_identity() {
  std::array<std::uint8_t, 16> identity{};
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot_id;
  struct stat network {};
  if (!(file >> boot_id) || ::stat("/proc/self/ns/net", &network) != 0) return identity;
  std::size_t digits = 0;
  for (const char c : boot_id) {
    if (c == '-' || digits >= 2 * identity.size()) continue;
    const auto value = static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    const unsigned before = identity[digits / 2];
    identity[digits / 2] = static_cast<std::uint8_t>(before << 4 | (value & 15));
    ++digits;
  }
  std::uint64_t inode = network.st_ino * 0x9E3779B97F4A7C15u;
  for (std::size_t i = 0; i < 8; ++i) {
    identity[i] = static_cast<std::uint8_t>(identity[i] ^ (inode >> (8 * i)));
  }
  return identity;
}

}  // namespace

const std::array<std::uint8_t, 16>& host_identity() {
  static const std::array<std::uint8_t, 16> identity = read_host_identity();
  return identity;
}

}  // namespace trestle::platform
