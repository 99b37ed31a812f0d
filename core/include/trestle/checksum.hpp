// Whether packets carry a checksum of their bytes.
#pragma once

#include <cstdint>

namespace trestle {

/// Whether a node asks its peers for a checksum in each packet. It is there, both ways, where
/// either side asks and both know of it; a damaged packet then ends its connection, as a loss, and
/// nothing of it is handled.
enum class Checksum : std::uint8_t {
  automatic,  ///< where the transport does not say that damaged bytes never arrive as good
  on,         ///< over every transport
  off,        ///< not asked for
};

}  // namespace trestle
