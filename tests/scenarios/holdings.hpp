// What a process holds, and whether something that it does over and over leaves more of it.
#pragma once

#include <cstddef>
#include <functional>

namespace trestle::scenarios {

/// What this process holds now.
struct Holdings {
  Holdings();

  std::ptrdiff_t descriptors;
  std::ptrdiff_t threads;
  std::ptrdiff_t heap_bytes;
};

/// Does `round` so many times, after some to begin with, and fails if as much as the smallest block
/// of memory is left behind by each, or any descriptor or thread by all of them.
void expect_nothing_left_behind(std::size_t rounds, const std::function<void()>& round);

}  // namespace trestle::scenarios
