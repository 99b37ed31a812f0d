// The two ends of a connection.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::inproc {

enum class Side : std::uint8_t { connector = 0, acceptor = 1 };

constexpr Side other(Side side) {
  return side == Side::connector ? Side::acceptor : Side::connector;
}

}  // namespace trestle::inproc
