// How often this program called operator new. Link trestle_counted_allocations, which replaces it.
#pragma once

#include <cstddef>

namespace trestle::fakes {

/// Calls of operator new so far, on all threads.
std::size_t allocations() noexcept;

/// The most bytes that one call asked for since the last `forget_largest_allocation`.
std::size_t largest_allocation() noexcept;
void forget_largest_allocation() noexcept;

/// Calls of operator new while `work` runs once.
template <class Work>
std::size_t allocations_of(const Work& work) {
  const std::size_t before = allocations();
  work();
  return allocations() - before;
}

/// Calls of operator new while `work` runs `times` times, after it ran as often to warm up.
template <class Work>
std::size_t allocations_when_warm(int times, const Work& work) {
  for (int i = 0; i < times; ++i) work();
  return allocations_of([&] {
    for (int i = 0; i < times; ++i) work();
  });
}

}  // namespace trestle::fakes
