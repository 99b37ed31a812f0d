// The transport plugins of a node: found by scheme, loaded on demand, never unloaded.
#pragma once

#include "plugin_loading/search_directories.hpp"

#include <trestle/thin_transport.h>
#include <trestle/error.hpp>

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::plugin_loading {

/// A plugin that is ready to open transports. Lifetime of what it points to: the process's.
struct LoadedPlugin {
  const tt_plugin* descriptor = nullptr;
  const tt_scheme* scheme = nullptr;  ///< the entry that covers the scheme asked for
  std::uint32_t reach = 0;     ///< TT_REACH_*; a wrapper's is that of the innermost transport
  std::filesystem::path file;  ///< free of symbolic links
  std::string why_chosen;      ///< such as "install directory /opt/lib/trestle/v1"
};

/// A file whose name says that it is a plugin.
struct PluginFile {
  std::filesystem::path path;
  SearchRule rule;
};

/// Threads: any.
class PluginRegistry {
 public:
  explicit PluginRegistry(SearchOptions options = SearchOptions::of_process());

  /// Loads a file that the program itself chose, under any name. From now on its schemes come
  /// before what a search finds, and before those of files added later. Errors:
  /// Errc::plugin_rejected: a relative path, no such file, not loadable.
  Result<void> add_plugin(const std::filesystem::path& file);

  /// The plugin for a scheme such as "tcp" or "zmq+ipc", loaded now unless it was before. The first
  /// file of the right name decides: if it cannot be used, the search does not go on. With a
  /// wrapper such as "pass+tcp" comes the plugin of what it wraps.
  /// Errors: Errc::bad_endpoint: not a scheme; Errc::unknown_scheme: no file, with every path
  /// tried; Errc::plugin_rejected: a file that cannot be used, with the rule that it breaks.
  Result<LoadedPlugin> find(std::string_view scheme);

  /// Added files, then what the directories hold, in search order; no file is opened. A file whose
  /// name occurred before in the list is hidden by that one.
  /// Errors: Errc::plugin_rejected as for TRESTLE_PLUGIN_PATH in `search_directories`.
  Result<std::vector<PluginFile>> list() const;

  /// Loads and initialises one file, whatever its name, without remembering it.
  /// Errors: Errc::plugin_rejected with the rule that it breaks.
  Result<const tt_plugin*> inspect(const PluginFile& file) const;

 private:
  struct Plugin {
    const tt_plugin* descriptor;
    PluginFile found;
    std::filesystem::path real_path;
  };

  Result<Plugin> open(const PluginFile& file) const;
  Result<PluginFile> search(std::string_view scheme, const std::string& file_name) const;
  Result<Plugin> choose(std::string_view scheme);
  Result<LoadedPlugin> load(std::string_view scheme, std::vector<std::string>& log_lines);
  /// Empty if the plugin was announced before.
  std::string announcement(const Plugin& plugin);
  void log(const std::string& line) const;

  const SearchOptions options_;
  const Result<std::vector<SearchDirectory>> directories_;
  mutable std::mutex mutex_;  ///< guards all below
  std::vector<Plugin> added_;
  std::map<std::string, Plugin> found_;  ///< by file name, such as "trestle_tcp.so"
  std::set<const tt_plugin*> announced_;
};

}  // namespace trestle::plugin_loading
