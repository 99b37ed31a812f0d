// What this process holds of the operating system's resources.
#pragma once

#include <cstddef>

namespace trestle::conformance {

std::size_t open_descriptors();
std::size_t running_threads();

}  // namespace trestle::conformance
