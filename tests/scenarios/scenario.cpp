// Addresses of scenarios, and what their nodes are made with.
#include "scenario.hpp"

#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace trestle::scenarios {

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + watchdog;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

Scenario::~Scenario() {
  if (!folder_.empty()) std::filesystem::remove_all(folder_);
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

std::string Scenario::fresh_address(const TransportUnderTest& transport) {
  std::string address = transport.address;
  const std::string number = std::to_string(++addresses_);
  if (const auto at = address.find("{name}"); at != address.npos) {
    address.replace(at, 6, "scenario-" + std::to_string(::getpid()) + '-' + number);
  }
  if (const auto at = address.find("{file}"); at != address.npos) {
    if (folder_.empty()) {
      std::string name = std::filesystem::temp_directory_path() / "trestle-scenario-XXXXXX";
      folder_ = ::mkdtemp(name.data());
    }
    address.replace(at, 6, (folder_ / (number + ".sock")).string());
  }
  return address;
}

}  // namespace trestle::scenarios
