// Packets as plain bytes, for tests to damage.
#pragma once

#include <type_traits>
#include <vector>

#include "wire/packet.hpp"

namespace trestle::wire::testing {

using Bytes = std::vector<std::byte>;

inline void begin_packet(Bytes& out) {
  Buffer added;
  wire::begin_packet(added);
  out.insert(out.end(), added.begin(), added.end());
}

template <class Frame>
void append(Bytes& out, const Frame& frame) {
  Buffer added;
  if constexpr (std::is_same_v<Frame, Hello>) {
    wire::append(added, frame).value();
  } else {
    wire::append(added, frame);
  }
  out.insert(out.end(), added.begin(), added.end());
}

}  // namespace trestle::wire::testing
