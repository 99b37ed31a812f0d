// Which transports this build has, for tests that run over all of them.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::test_support {

/// Those of `uris` whose plugin is in TRESTLE_PLUGINS. What is below a "pass+" counts.
inline std::vector<const char*> of_this_build(std::initializer_list<const char*> uris) {
  constexpr std::string_view built = TRESTLE_BUILT_PLUGINS;  // ",inproc,tcp,"
  constexpr std::string_view wrapper = "pass+";
  std::vector<const char*> found;
  for (const char* uri : uris) {
    std::string_view rest = uri;
    while (rest.starts_with(wrapper)) rest.remove_prefix(wrapper.size());
    const std::string_view name = rest.substr(0, rest.find_first_of("+:"));
    const std::string plugin(name == "unix" ? "tcp" : name);
    if (built.find("," + plugin + ",") != std::string_view::npos) found.push_back(uri);
  }
  return found;
}

}  // namespace trestle::test_support
