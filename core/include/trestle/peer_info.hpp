// What one tells others about a node, so that they can reach it.
#pragma once

#include <string>
#include <vector>

#include <trestle/ids.hpp>

namespace trestle {

/// Who a node is and where it listens.
struct PeerInfo {
  InstanceId instance_id{};              ///< its id
  std::vector<std::string> endpoints{};  ///< URIs, in the order in which it began to listen
};

}  // namespace trestle
