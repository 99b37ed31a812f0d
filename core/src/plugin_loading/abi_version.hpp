// Which versions of the contract fit together.
#pragma once

#include <optional>
#include <string>

namespace trestle::plugin_loading {

/// A version of ThinTransport.
struct AbiVersion {
  unsigned major;
  unsigned minor;
};

std::string to_string(AbiVersion version);

/// What a plugin says of the versions that it fits.
struct PluginVersions {
  AbiVersion built_with;
  unsigned min_host_minor;  ///< of its own major version
};

/// The rule that keeps the plugin out of a host of that version; nothing if they fit. The draft
/// from 0.9 on is the beginning of version 1: later hosts of that version take its plugins.
std::optional<std::string> version_misfit(const PluginVersions& plugin, AbiVersion host);

}  // namespace trestle::plugin_loading
