// The plugin under test, loaded the plain way.
#pragma once

#include <trestle/thin_transport.h>

#include <string>

namespace trestle::conformance {

/// Loads `path` and initialises the plugin once per process; it stays loaded.
/// Errors: Failed, with the loader's text or what is wrong with the descriptor.
const tt_plugin& load_plugin(const std::string& path, const std::string& scheme);

/// TT_REACH_* of the scheme, which is one of the plugin's.
std::uint32_t reach_of(const tt_plugin& plugin, const std::string& scheme);

}  // namespace trestle::conformance
