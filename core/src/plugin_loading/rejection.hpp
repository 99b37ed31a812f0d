// The error for a plugin file that exists but must not or cannot be used.
#pragma once

#include <trestle/error.hpp>

#include <filesystem>
#include <string>

namespace trestle::plugin_loading {

/// Errc::plugin_rejected: names the file and the rule that it breaks.
inline Error rejected(const std::filesystem::path& file, const std::string& rule) {
  return {Errc::plugin_rejected, "transport plugin " + file.string() + ": " + rule};
}

}  // namespace trestle::plugin_loading
