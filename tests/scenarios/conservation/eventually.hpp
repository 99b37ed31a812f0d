// Waiting for what another thread or process does.
#pragma once

#include <chrono>
#include <thread>

namespace trestle::scenarios {

inline constexpr std::chrono::seconds watchdog{5};

/// Whether `condition` comes to hold before the watchdog's time is over.
bool eventually(auto condition) {
  const auto until = std::chrono::steady_clock::now() + watchdog;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace trestle::scenarios
