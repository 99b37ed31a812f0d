// What the nodes of scenarios are made with, and how scenarios wait.
#include "scenario.hpp"

#include <cstdlib>
#include <thread>

#include "platform/sanitizers.hpp"

namespace trestle::scenarios {

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + watchdog;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

std::size_t times(std::size_t usual, std::size_t longer) {
  if (std::getenv("TRESTLE_SCENARIO_LONG") != nullptr) return longer;
  return platform::sanitized ? usual / 10 : usual;
}

void Scenario::SetUp() {
  if (!GetParam().missing.empty()) GTEST_SKIP() << "not built: " << GetParam().missing;
}

NodeOptions Scenario::options(NodeOptions options) {
#ifdef TRESTLE_PASS_PLUGIN
  options.plugins.emplace_back(TRESTLE_PASS_PLUGIN);
#endif
  return options;
}

}  // namespace trestle::scenarios
