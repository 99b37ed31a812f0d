// What a transport takes for a packet there and back: for information, no check.
#pragma once

#include <trestle/conformance/check.hpp>

#include <chrono>
#include <cstddef>
#include <vector>

namespace trestle::conformance {

/// Of packets of one size, between two transports that one thread drives, which never sleeps.
struct RoundTrips {
  std::size_t packet_bytes = 0;        ///< of each packet
  std::size_t count = 0;               ///< so many were measured
  std::chrono::nanoseconds median{};   ///< half of them took no longer
  std::chrono::nanoseconds slowest{};  ///< but for one in a hundred
};

/// For a small and a large packet; empty if the transport does not listen and connect, or fails.
/// Leaves transports behind if it fails: for a process that ends then.
std::vector<RoundTrips> measure_round_trips(const Subject& subject);

}  // namespace trestle::conformance
