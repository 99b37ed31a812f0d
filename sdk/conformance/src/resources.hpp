// What this process holds of the operating system's resources.
#pragma once

#include <cstddef>
#include <set>

namespace trestle::conformance {

std::size_t open_descriptors();
std::size_t running_threads();
/// Bytes that malloc has handed out; 0 where a sanitizer replaces it.
std::size_t heap_bytes();
/// The most that was resident at any time.
std::size_t peak_memory_bytes();
std::set<int> descriptor_numbers();

}  // namespace trestle::conformance
