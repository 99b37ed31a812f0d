// The two ends of a connection.
#pragma once

#include <cstddef>

namespace trestle::inproc {

enum class Side : std::size_t { connector = 0, acceptor = 1 };

constexpr Side other(Side side) {
  return side == Side::connector ? Side::acceptor : Side::connector;
}

}  // namespace trestle::inproc
