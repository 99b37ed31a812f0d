// What a plugin's descriptor must say before any of its code is called.
#pragma once

#include <trestle/thin_transport.h>
#include <trestle/error.hpp>

#include <filesystem>
#include <string_view>

namespace trestle::plugin_loading {

/// Magic, versions, layout, table sizes, mandatory slots, schemes; `file` is for the error's text.
/// Errors: Errc::plugin_rejected naming the first broken rule, and both versions where they differ.
Result<void> check_descriptor(const tt_plugin& plugin, const std::filesystem::path& file);

/// The entry of a checked descriptor that covers `scheme`, or null. Only families of wrappers cover
/// what has more than one '+'.
const tt_scheme* find_scheme(const tt_plugin& plugin, std::string_view scheme) noexcept;

/// Whether the entry's transports carry their packets over another one.
bool is_wrapper(const tt_scheme& entry) noexcept;

/// As `find_scheme`, with an error that lists what the plugin implements instead.
/// Errors: Errc::plugin_rejected.
Result<const tt_scheme*> require_scheme(const tt_plugin& plugin, std::string_view scheme,
                                        const std::filesystem::path& file);

}  // namespace trestle::plugin_loading
