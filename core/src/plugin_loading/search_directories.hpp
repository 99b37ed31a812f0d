// Where transport plugins are looked for, and in which order.
#pragma once

#include <trestle/error.hpp>

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::plugin_loading {

/// Which rule led to a file.
enum class SearchRule {
  added,              ///< the program named the file
  path_variable,      ///< a directory in TRESTLE_PLUGIN_PATH
  beside_core,        ///< the plugin directory beside the code of core
  install_directory,  ///< the directory compiled in
};

/// As log lines and tools write it, such as "directory of TRESTLE_PLUGIN_PATH".
std::string_view to_string(SearchRule rule) noexcept;

/// Whether the process got rights that its user does not have (AT_SECURE: set-uid and the like).
enum class Privilege { ordinary, elevated };

/// What kind of object holds the code of core.
enum class ObjectKind { library, executable };

/// What the search depends on. Tests fill it by hand; programs take `of_process()`.
struct SearchOptions {
  /// Value of TRESTLE_PLUGIN_PATH: absolute directories, separated by colons, that replace the
  /// default directories; the entry "<default>" stands for those. Empty entries are skipped, and a
  /// value without any entry counts as unset. Ignored when elevated.
  std::string path_variable;
  std::filesystem::path beside_core;
  std::filesystem::path install_directory;
  Privilege privilege = Privilege::ordinary;
  /// Elevated processes load only files of these users, from directories of these users.
  std::vector<uid_t> trusted_owners;
  /// Called with one line per loaded plugin, from the thread that caused the loading, no lock held.
  std::function<void(const std::string&)> log_info;

  static SearchOptions of_process();
};

/// "/opt/lib/libtrestle.so.0" -> "/opt/lib/trestle/v1"; "/opt/bin/app" -> "/opt/lib/trestle/v1".
std::filesystem::path plugins_beside(const std::filesystem::path& object, ObjectKind kind);

struct SearchDirectory {
  std::filesystem::path path;
  SearchRule rule;
};

/// The directories in search order, each once. None is opened.
/// Errors: Errc::plugin_rejected for an entry of TRESTLE_PLUGIN_PATH that is not absolute.
Result<std::vector<SearchDirectory>> search_directories(const SearchOptions& options);

}  // namespace trestle::plugin_loading
