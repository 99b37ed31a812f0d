// What the nodes of scenarios are made with, and how scenarios wait.
#include "scenario.hpp"

#include <cstdlib>
#include <sstream>
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
  std::istringstream files(TRESTLE_OUTSIDE_PLUGINS);
  for (std::string file; std::getline(files, file, ':');) options.plugins.emplace_back(file);
  return options;
}

}  // namespace trestle::scenarios
