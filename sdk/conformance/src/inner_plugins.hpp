// Which plugin carries a wrapper, as the kit finds it.
#pragma once

#include <trestle/thin_transport.h>
#include <trestle/conformance/check.hpp>

#include <string>

namespace trestle::conformance {

/// The plugin of an inner scheme: the first that has it of those that the subject names, the
/// subject's own, and trestle_NAME.so beside it. Loaded if need be.
/// Errors: Failed, with all that was tried.
const tt_plugin& load_inner_plugin(const Subject& subject, const std::string& scheme);

/// TT_REACH_* of a scheme of the plugin; for a wrapper's that of the innermost transport.
/// Errors: Failed, as load_inner_plugin().
std::uint32_t reach_of(const Subject& subject, const tt_plugin& plugin, const std::string& scheme);

}  // namespace trestle::conformance
