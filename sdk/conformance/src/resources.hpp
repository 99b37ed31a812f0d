// What this process holds of the operating system's resources.
#pragma once

#include <cstddef>
#include <set>

namespace trestle::conformance {

std::size_t open_descriptors();
std::size_t running_threads();
std::set<int> descriptor_numbers();

}  // namespace trestle::conformance
