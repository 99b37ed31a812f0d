// What a node tells others of where it listens.
#pragma once

#include <string>
#include <vector>

#include "platform/host_addresses.hpp"

namespace trestle::peers {

/// The real URIs of listeners as others can use them: a wildcard becomes the addresses of the host
/// that it covers, those of its loopback only if there is no other.
std::vector<std::string> advertise(const std::vector<std::string>& listening,
                                   const std::vector<platform::HostAddress>& own);

}  // namespace trestle::peers
