// The network addresses of this host that others may use.
#pragma once

#include <string>
#include <vector>

namespace trestle::platform {

/// One address of an interface that is up.
struct HostAddress {
  enum class Family { v4, v6 };
  std::string text;
  Family family = Family::v4;
  bool is_loopback = false;
};

/// Of all interfaces, in the system's order. Without those that need a zone to be used. Empty where
/// they cannot be found out.
std::vector<HostAddress> host_addresses();

}  // namespace trestle::platform
