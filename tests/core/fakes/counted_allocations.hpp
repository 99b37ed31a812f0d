// How often this program called operator new. Link trestle_counted_allocations, which replaces it.
#pragma once

#include <cstddef>

namespace trestle::fakes {

/// Calls of operator new so far, on all threads.
std::size_t allocations() noexcept;

/// Calls of operator new while `work` runs `times` times, after it ran as often to warm up.
template <class Work>
std::size_t allocations_when_warm(int times, const Work& work) {
  for (int i = 0; i < times; ++i) work();
  const std::size_t before = allocations();
  for (int i = 0; i < times; ++i) work();
  return allocations() - before;
}

}  // namespace trestle::fakes
