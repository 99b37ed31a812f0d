// The list of transports, as CMake wrote it down for this build.
#include "transport_under_test.hpp"

namespace trestle::scenarios {

std::vector<TransportUnderTest> transports_under_test() {
  return {
#include "transports_under_test.inc"
  };
}

}  // namespace trestle::scenarios
