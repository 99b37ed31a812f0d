// Whether a driving thread polls before it sleeps.
#pragma once

#include <cstdint>

namespace trestle {

/// Whether the thread that drives a node polls a little before it sleeps. Waking a sleeping CPU
/// takes longer than a message on its way; polling beside a peer on the same CPU only delays it.
enum class Spin : std::uint8_t {
  automatic,  ///< as long as it pays
  on,         ///< always, for a bounded time
  off,        ///< never
};

}  // namespace trestle
