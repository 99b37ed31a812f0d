// The public look at plugin files: what would be found, and what a file says of itself.
#include <trestle/ext/report.h>
#include <trestle/plugins.hpp>

#include "plugin_loading/plugin_registry.hpp"
#include "plugin_loading/rejection.hpp"
#include "plugin_loading/scheme_name.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

namespace trestle {
namespace {

namespace fs = std::filesystem;
using plugin_loading::PluginRegistry;
using plugin_loading::SearchRule;

/// A file that no search finds is one that the caller chose.
Result<SearchRule> rule_of(const PluginRegistry& registry, const fs::path& file) {
  const auto found = registry.list();
  if (found.has_error()) return found.error();
  for (const auto& each : *found) {
    if (each.path == file) return each.rule;
  }
  if (file.is_absolute()) return SearchRule::added;
  return plugin_loading::rejected(file, "the path of an added plugin must be absolute");
}

/// Whether a search for `scheme`, or for one of its family, would look for a file of this name.
bool stands_for(const fs::path& file, std::string_view scheme) {
  const bool family = scheme.ends_with("+*");
  const auto name =
      plugin_loading::plugin_file_name(scheme.substr(0, family ? scheme.find('+') : scheme.size()));
  return name.has_value() && file.filename() == *name;
}

}  // namespace

std::string_view to_string(Reach reach) noexcept {
  switch (reach) {
    case Reach::process:
      return "process";
    case Reach::host:
      return "host";
    case Reach::network:
      return "network";
  }
  return "unknown";
}

Result<std::vector<PluginFile>> list_plugin_files() {
  const PluginRegistry registry;
  auto found = registry.list();
  if (found.has_error()) return std::move(found).error();
  std::vector<PluginFile> files;
  std::map<fs::path, fs::path> first_of_name;
  for (const auto& file : *found) {
    const auto [first, is_first] = first_of_name.emplace(file.path.filename(), file.path);
    files.push_back({file.path, std::string(plugin_loading::to_string(file.rule)),
                     is_first ? fs::path() : first->second});
  }
  return files;
}

Result<std::string> report_of_plugin(const PluginFile& file) {
  const PluginRegistry registry;
  const auto rule = rule_of(registry, file.path);
  if (rule.has_error()) return rule.error();
  const auto plugin = registry.inspect({file.path, *rule});
  if (plugin.has_error()) return plugin.error();
  if ((*plugin)->extension == nullptr) return std::string();
  const auto* report = static_cast<const tt_report*>((*plugin)->extension(TT_REPORT_ID));
  if (report == nullptr) return std::string();
  std::string text(64 * 1024, '\0');
  std::size_t length = text.size();
  tt_status status = report->json(text.data(), &length);
  if (status == TT_E_TOOBIG) {
    text.resize(length);
    status = report->json(text.data(), &length);
  }
  if (status != TT_OK || length == 0 || length > text.size()) {
    return plugin_loading::rejected(file.path, "has a report (" TT_REPORT_ID ") that fails");
  }
  text.resize(length - 1);
  return text;
}

Result<PluginDescription> inspect_plugin(const PluginFile& file) {
  const PluginRegistry registry;
  const auto rule = rule_of(registry, file.path);
  if (rule.has_error()) return rule.error();
  const auto plugin = registry.inspect({file.path, *rule});
  if (plugin.has_error()) return plugin.error();

  const tt_plugin& said = **plugin;
  PluginDescription description{said.name,      said.version,   said.vendor,
                                said.abi_major, said.abi_minor, {}};
  std::string others;
  for (const tt_scheme& scheme : std::span(said.schemes, said.nschemes)) {
    if (*rule == SearchRule::added || stands_for(file.path, scheme.name)) {
      description.schemes.push_back({scheme.name, static_cast<Reach>(scheme.reach)});
    } else {
      others += (others.empty() ? "" : ", ") + std::string(scheme.name);
    }
  }
  if (description.schemes.empty()) {
    return plugin_loading::rejected(
        file.path, "implements none of the schemes that its file name stands for, only: " + others);
  }
  return description;
}

}  // namespace trestle
