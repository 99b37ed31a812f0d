// Computing the plugin directories from the environment and from where core was loaded.
#include "plugin_loading/search_directories.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace trestle::plugin_loading {
namespace {

namespace fs = std::filesystem;

/// The plugin directory beside the object that holds this very function; empty if unknown.
fs::path find_beside_core() {
  Dl_info info{};
  link_map* object = nullptr;
  const auto* here = reinterpret_cast<const void*>(&find_beside_core);
  if (dladdr1(here, &info, reinterpret_cast<void**>(&object), RTLD_DL_LINKMAP) == 0) return {};

  // The program itself is the first of the linker's list, and its recorded name is no path.
  const auto kind = object->l_prev == nullptr ? ObjectKind::executable : ObjectKind::library;
  std::error_code failed;
  const fs::path file = kind == ObjectKind::executable ? fs::read_symlink("/proc/self/exe", failed)
                                                       : fs::canonical(info.dli_fname, failed);
  return failed ? fs::path() : plugins_beside(file, kind);
}

void append(std::vector<SearchDirectory>& directories, const fs::path& path, SearchRule rule) {
  const auto same = [&](const SearchDirectory& known) { return known.path == path; };
  if (path.empty() || std::any_of(directories.begin(), directories.end(), same)) return;
  directories.push_back({path, rule});
}

void append_defaults(std::vector<SearchDirectory>& directories, const SearchOptions& options) {
  append(directories, options.beside_core, SearchRule::beside_core);
  append(directories, options.install_directory, SearchRule::install_directory);
}

std::vector<std::string> split_entries(std::string_view list) {
  std::vector<std::string> entries;
  while (!list.empty()) {
    const auto end = std::min(list.find(':'), list.size());
    if (end != 0) entries.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return entries;
}

}  // namespace

std::string_view to_string(SearchRule rule) noexcept {
  switch (rule) {
    case SearchRule::added:
      return "added by the program";
    case SearchRule::path_variable:
      return "directory of TRESTLE_PLUGIN_PATH";
    case SearchRule::beside_core:
      return "directory beside core";
    case SearchRule::install_directory:
      return "install directory";
  }
  return "unknown rule";
}

SearchOptions SearchOptions::of_process() {
  SearchOptions options;
  const char* variable = secure_getenv("TRESTLE_PLUGIN_PATH");
  if (variable != nullptr) options.path_variable = variable;
  options.beside_core = find_beside_core();
  options.install_directory = TRESTLE_INSTALL_PLUGIN_DIR;
  options.privilege = getauxval(AT_SECURE) != 0 ? Privilege::elevated : Privilege::ordinary;
  options.trusted_owners = {0, geteuid()};
  return options;
}

fs::path plugins_beside(const fs::path& object, ObjectKind kind) {
  const fs::path directory = object.parent_path();
  return kind == ObjectKind::library ? directory / "trestle/v1"
                                     : directory.parent_path() / "lib/trestle/v1";
}

Result<std::vector<SearchDirectory>> search_directories(const SearchOptions& options) {
  std::vector<SearchDirectory> directories;
  std::vector<std::string> entries;
  if (options.privilege == Privilege::ordinary) entries = split_entries(options.path_variable);
  if (entries.empty()) entries = {"<default>"};

  for (const std::string& entry : entries) {
    if (entry == "<default>") {
      append_defaults(directories, options);
    } else if (fs::path(entry).is_absolute()) {
      append(directories, fs::path(entry).lexically_normal(), SearchRule::path_variable);
    } else {
      return Error(Errc::plugin_rejected,
                   "TRESTLE_PLUGIN_PATH names '" + entry +
                       "': directories must be absolute, because what a relative one holds "
                       "depends on where the program was started");
    }
  }
  return directories;
}

}  // namespace trestle::plugin_loading
