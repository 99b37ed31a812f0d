// Names and socket files that are new each time.
#include "fresh_addresses.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

namespace trestle::scenarios {
namespace {

constexpr std::string_view name_place = "{name}";
constexpr std::string_view file_place = "{file}";

}  // namespace

FreshAddresses::~FreshAddresses() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string FreshAddresses::make(std::string pattern) {
  const std::string number = std::to_string(++made_);
  if (const auto at = pattern.find(name_place); at != pattern.npos) {
    pattern.replace(at, name_place.size(), "scenario-" + std::to_string(::getpid()) + '-' + number);
  }
  if (const auto at = pattern.find(file_place); at != pattern.npos) {
    if (folder_.empty()) {
      std::string name = std::filesystem::temp_directory_path() / "trestle-scenario-XXXXXX";
      folder_ = ::mkdtemp(name.data());
    }
    pattern.replace(at, file_place.size(), (folder_ / (number + ".sock")).string());
  }
  return pattern;
}

}  // namespace trestle::scenarios
