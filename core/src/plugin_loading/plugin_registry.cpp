// Finding, checking and loading transport plugins.
#include "plugin_loading/plugin_registry.hpp"

#include "plugin_loading/checked_file.hpp"
#include "plugin_loading/descriptor_rules.hpp"
#include "plugin_loading/plugin_init.hpp"
#include "plugin_loading/plugin_object.hpp"
#include "plugin_loading/rejection.hpp"
#include "plugin_loading/scheme_name.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

namespace trestle::plugin_loading {
namespace {

namespace fs = std::filesystem;

bool is_plugin_name(const std::string& name) {
  return name.starts_with("trestle_") && name.ends_with(".so");
}

/// Plugin names in a directory, sorted; none if it cannot be read.
std::vector<fs::path> plugin_files(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code failed;
  fs::directory_iterator entries(directory, failed);
  for (; !failed && entries != fs::directory_iterator(); entries.increment(failed)) {
    if (is_plugin_name(entries->path().filename().string())) files.push_back(entries->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Why this file and no other, such as "install directory /opt/lib/trestle/v1".
std::string why(const PluginFile& file) {
  const std::string rule(to_string(file.rule));
  return file.rule == SearchRule::added ? rule : rule + ' ' + file.path.parent_path().string();
}

Error not_found(std::string_view scheme, const std::vector<PluginFile>& tried,
                const SearchOptions& options) {
  std::string text = "no transport plugin for scheme '" + std::string(scheme) + "'; tried";
  for (const PluginFile& file : tried) {
    text += (&file == tried.data() ? " " : ", ") + file.path.string();
  }
  if (tried.empty()) text += " nothing, no directory is known";
  if (options.path_variable.find("<default>") == std::string::npos &&
      std::any_of(tried.begin(), tried.end(),
                  [](const PluginFile& file) { return file.rule == SearchRule::path_variable; })) {
    text +=
        "; TRESTLE_PLUGIN_PATH replaces the default directories, add the entry <default> to "
        "search them too";
  }
  return {Errc::unknown_scheme, std::move(text)};
}

}  // namespace

PluginRegistry::PluginRegistry(SearchOptions options)
    : options_(std::move(options)), directories_(search_directories(options_)) {}

Result<void> PluginRegistry::add_plugin(const fs::path& file) {
  if (!file.is_absolute()) {
    return rejected(file, "the path of an added plugin must be absolute");
  }
  const auto opened = open({file, SearchRule::added});
  if (opened.has_error()) return opened.error();
  const auto initialised = initialize_once(*opened->descriptor, file);
  if (initialised.has_error()) return initialised.error();
  std::string line;
  {
    const std::lock_guard lock(mutex_);
    line = announcement(*opened);
    const auto same = [&](const Plugin& known) { return known.descriptor == opened->descriptor; };
    if (std::none_of(added_.begin(), added_.end(), same)) added_.push_back(*opened);
  }
  log(line);
  return {};
}

Result<LoadedPlugin> PluginRegistry::find(std::string_view scheme) {
  std::vector<std::string> lines;
  auto loaded = [&] {
    const std::lock_guard lock(mutex_);
    return load(scheme, lines);
  }();
  for (const std::string& line : lines) log(line);
  return loaded;
}

// Calls itself for what is wrapped, and the scheme becomes shorter each time.
Result<LoadedPlugin> PluginRegistry::load(std::string_view scheme,
                                          std::vector<std::string>& log_lines) {
  const auto plugin = choose(scheme);
  if (plugin.has_error()) return plugin.error();
  const auto entry = require_scheme(*plugin->descriptor, scheme, plugin->found.path);
  if (entry.has_error()) return entry.error();
  const auto initialised = initialize_once(*plugin->descriptor, plugin->found.path);
  if (initialised.has_error()) return initialised.error();
  log_lines.push_back(announcement(*plugin));
  LoadedPlugin loaded{plugin->descriptor, *entry, (*entry)->reach, plugin->real_path,
                      why(plugin->found)};
  const std::string_view inner = inner_scheme(scheme);
  if (!is_wrapper(**entry) || inner.empty()) return loaded;
  const auto wrapped = load(inner, log_lines);
  if (wrapped.has_error()) {
    Error error = wrapped.error();
    error.text = "'" + std::string(scheme) + "' wraps '" + std::string(inner) + "': " + error.text;
    return error;
  }
  loaded.reach = wrapped->reach;
  return loaded;
}

Result<std::vector<PluginFile>> PluginRegistry::list() const {
  if (directories_.has_error()) return directories_.error();
  std::vector<PluginFile> files;
  {
    const std::lock_guard lock(mutex_);
    for (const Plugin& plugin : added_) files.push_back(plugin.found);
  }
  for (const SearchDirectory& directory : *directories_) {
    for (fs::path& file : plugin_files(directory.path)) {
      files.push_back({std::move(file), directory.rule});
    }
  }
  return files;
}

Result<const tt_plugin*> PluginRegistry::inspect(const PluginFile& file) const {
  const auto opened = open(file);
  if (opened.has_error()) return opened.error();
  const auto initialised = initialize_once(*opened->descriptor, file.path);
  if (initialised.has_error()) return initialised.error();
  return opened->descriptor;
}

Result<PluginRegistry::Plugin> PluginRegistry::open(const PluginFile& found) const {
  const auto file = CheckedFile::open(found.path, found.rule, options_);
  if (file.has_error()) return file.error();
  const auto descriptor = open_plugin(*file);
  if (descriptor.has_error()) return descriptor.error();
  const auto sound = check_descriptor(**descriptor, found.path);
  if (sound.has_error()) return sound.error();
  return Plugin{*descriptor, found, file->real_path()};
}

Result<PluginFile> PluginRegistry::search(std::string_view scheme,
                                          const std::string& file_name) const {
  if (directories_.has_error()) return directories_.error();
  std::vector<PluginFile> tried;
  for (const SearchDirectory& directory : *directories_) {
    PluginFile candidate{directory.path / file_name, directory.rule};
    // The link itself, not its target: one that leads nowhere is a broken installation, and going
    // on would load another plugin than the one that was meant.
    std::error_code failed;
    const auto type = fs::symlink_status(candidate.path, failed).type();
    if (type == fs::file_type::none) {
      return rejected(candidate.path, "cannot be inspected: " + failed.message());
    }
    if (type != fs::file_type::not_found) return candidate;
    tried.push_back(std::move(candidate));
  }
  return not_found(scheme, tried, options_);
}

Result<PluginRegistry::Plugin> PluginRegistry::choose(std::string_view scheme) {
  // First of all, so that no malformed scheme reaches a plugin that declares a family either.
  const auto file_name = plugin_file_name(scheme);
  if (file_name.has_error()) return file_name.error();
  for (const Plugin& plugin : added_) {
    if (find_scheme(*plugin.descriptor, scheme) != nullptr) return plugin;
  }
  const auto known = found_.find(*file_name);
  if (known != found_.end()) return known->second;
  const auto file = search(scheme, *file_name);
  if (file.has_error()) return file.error();
  auto opened = open(*file);
  if (opened.has_value()) found_.emplace(*file_name, *opened);
  return opened;
}

std::string PluginRegistry::announcement(const Plugin& plugin) {
  if (!announced_.insert(plugin.descriptor).second) return {};
  const tt_plugin& described = *plugin.descriptor;
  return "loaded transport plugin " + std::string(described.name) + ' ' + described.version +
         " (ThinTransport " + std::to_string(described.abi_major) + '.' +
         std::to_string(described.abi_minor) + ") from " + plugin.real_path.string() + ": " +
         why(plugin.found);
}

void PluginRegistry::log(const std::string& line) const {
  if (!line.empty() && options_.log_info) options_.log_info(line);
}

}  // namespace trestle::plugin_loading
