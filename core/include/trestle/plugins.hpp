// Which transport plugins a process would find, and what each file says of itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <trestle/error.hpp>
#include <trestle/export.hpp>

namespace trestle {

/// How far connections of a scheme go.
enum class Reach : std::uint8_t { process = 1, host = 2, network = 3 };

/// "process", "host" or "network".
TRESTLE_EXPORT std::string_view to_string(Reach reach) noexcept;

/// A file that is named like a plugin; nothing of it was opened.
struct PluginFile {
  std::filesystem::path path;       ///< where it is
  std::string found_by;             ///< such as "directory beside core"
  std::filesystem::path hidden_by;  ///< the earlier file of the same name, used instead; or empty
};

/// Every plugin file of the search path, in search order: the first file of a name is the one that
/// a node uses. Errors: plugin_rejected: TRESTLE_PLUGIN_PATH names a relative directory.
/// Threads: any.
[[nodiscard]] TRESTLE_EXPORT Result<std::vector<PluginFile>> list_plugin_files();

/// A scheme that a plugin serves.
struct PluginScheme {
  std::string name;              ///< "tcp", or "ofi+*" for a family
  Reach reach = Reach::process;  ///< how far its connections go
};

/// What a plugin's descriptor says.
struct PluginDescription {
  std::string name;                   ///< what the plugin calls itself
  std::string version;                ///< the plugin's own
  std::string vendor;                 ///< who made it
  std::uint16_t abi_major = 0;        ///< of ThinTransport, as the plugin was compiled
  std::uint16_t abi_minor = 0;        ///< likewise
  std::vector<PluginScheme> schemes;  ///< those that the file's name stands for
};

/// Loads and initialises `file` by the rules that hold for a node, and describes it. This runs the
/// plugin's code inside the calling process, for good: a program that only looks should do it in a
/// process of its own.
/// Errors: plugin_rejected naming the file and the rule that it breaks.
/// Threads: any.
[[nodiscard]] TRESTLE_EXPORT Result<PluginDescription> inspect_plugin(const PluginFile& file);

/// What `file` says that it finds on this machine, in JSON as `trestle/ext/report.h` describes it;
/// empty if it has nothing to say. Loads it as `inspect_plugin` does, and lets it look around.
/// Errors: plugin_rejected naming the file and the rule that it breaks.
/// Threads: any.
[[nodiscard]] TRESTLE_EXPORT Result<std::string> report_of_plugin(const PluginFile& file);

}  // namespace trestle
