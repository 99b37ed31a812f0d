// Linux: what getifaddrs tells.
#include "platform/host_addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <memory>

namespace trestle::platform {
namespace {

/// Empty text: not an address that others may use.
HostAddress address_of(const ifaddrs& entry) {
  HostAddress address;
  address.is_loopback = (entry.ifa_flags & IFF_LOOPBACK) != 0;
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (entry.ifa_addr->sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(entry.ifa_addr)->sin_addr;
  } else if (entry.ifa_addr->sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr)->sin6_addr;
    if (IN6_IS_ADDR_LINKLOCAL(&v6)) return address;
    address.family = HostAddress::Family::v6;
    bytes = &v6;
  }
  if (bytes == nullptr) return address;
  if (inet_ntop(entry.ifa_addr->sa_family, bytes, text.data(), text.size()) != nullptr) {
    address.text = text.data();
  }
  return address;
}

}  // namespace

std::vector<HostAddress> host_addresses() {
  std::vector<HostAddress> addresses;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(first, &::freeifaddrs);
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    HostAddress address = address_of(*entry);
    if (!address.text.empty()) addresses.push_back(std::move(address));
  }
  return addresses;
}

}  // namespace trestle::platform
