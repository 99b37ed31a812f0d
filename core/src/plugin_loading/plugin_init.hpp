// A plugin's init, called at most once.
#pragma once

#include <trestle/thin_transport.h>
#include <trestle/error.hpp>

#include <filesystem>

namespace trestle::plugin_loading {

/// Calls the plugin's `init` unless this process did so before, through whatever registry; a
/// failure is remembered and told again.
/// Errors: Errc::plugin_rejected with the plugin's text and status.
/// Threads: any; concurrent callers wait for the one call.
Result<void> initialize_once(const tt_plugin& plugin, const std::filesystem::path& file);

}  // namespace trestle::plugin_loading
