// Whether the thread that drives a node polls before it sleeps.
#pragma once

#include <cstdint>

namespace trestle {

/// Whether the thread that drives a node (one that waits for an outcome, or the node's own) polls a
/// little before it sleeps. Waking a sleeping CPU takes longer than a message on its way. Between
/// two looks other threads are offered the CPU. Nodes with a ManualDriver never poll.
enum class Spin : std::uint8_t {
  automatic,  ///< as long as it pays
  on,         ///< always, until nothing has come for 5 ms
  off,        ///< never
};

}  // namespace trestle
