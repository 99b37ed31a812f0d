// Candidates in order, until one has the scheme.
#include "inner_plugins.hpp"

#include <trestle/ext/stack.h>

#include <filesystem>
#include <vector>

#include "failure.hpp"
#include "loaded_plugin.hpp"

namespace trestle::conformance {

const tt_plugin& load_inner_plugin(const Subject& subject, const std::string& scheme) {
  const std::filesystem::path own = subject.plugin_path;
  const auto beside = own.parent_path() / ("trestle_" + scheme.substr(0, scheme.find('+')) + ".so");
  std::vector<std::string> candidates = subject.inner_plugins;
  candidates.push_back(own);
  if (std::filesystem::exists(beside)) candidates.push_back(beside);
  std::string tried;
  for (const std::string& candidate : candidates) {
    const tt_plugin& plugin = load_module(candidate);
    if (find_scheme(plugin, scheme) != nullptr) return plugin;
    // By file name: an error's text has 240 bytes, and paths may be long.
    tried += (tried.empty() ? "" : ", ") + std::filesystem::path(candidate).filename().string();
  }
  fail("inner transport '" + scheme + "': expected a module that has it (--inner), got only " +
       tried);
}

std::uint32_t reach_of(const Subject& subject, const tt_plugin& plugin, const std::string& scheme) {
  const tt_scheme& entry = *find_scheme(plugin, scheme);
  const auto plus = scheme.find('+');
  if ((entry.flags & TT_SCHEME_WRAPS) == 0 || plus == std::string::npos) return entry.reach;
  const std::string inner = scheme.substr(plus + 1);
  return reach_of(subject, load_inner_plugin(subject, inner), inner);
}

}  // namespace trestle::conformance
