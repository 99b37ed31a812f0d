// What a fuzz target demands of the code under test: a broken demand ends the run as a finding.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace trestle::fuzz {

/// Aborts, saying what did not hold, so that libFuzzer keeps the input.
inline void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken demand: %s\n", what);
  std::abort();
}

}  // namespace trestle::fuzz
