// The plugin under test, loaded the plain way.
#pragma once

#include <trestle/thin_transport.h>

#include <string>

namespace trestle::conformance {

/// Loads `path`, whatever its schemes, and initialises the plugin once per process; it stays
/// loaded. Errors: Failed, with the loader's text or what is wrong with the descriptor.
const tt_plugin& load_module(const std::string& path);

/// A copy of the file, which the loader takes for another plugin. Errors: as load_module().
const tt_plugin& load_copy(const std::string& path);

/// As load_module(). Errors: Failed also if `scheme` is not one of the plugin's.
const tt_plugin& load_plugin(const std::string& path, const std::string& scheme);

/// The plugin's entry for the scheme, or null.
const tt_scheme* find_scheme(const tt_plugin& plugin, const std::string& scheme);

}  // namespace trestle::conformance
