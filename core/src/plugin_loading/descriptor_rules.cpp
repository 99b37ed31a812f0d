// Checking a plugin's descriptor, in the order in which its parts may be trusted.
#include "plugin_loading/descriptor_rules.hpp"

#include "plugin_loading/abi_version.hpp"
#include "plugin_loading/rejection.hpp"
#include "plugin_loading/scheme_name.hpp"

#include <trestle/ext/stack.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace trestle::plugin_loading {
namespace {

using Broken = std::optional<std::string>;  // the rule that is broken

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof(text), "0x%08x", value);
  return text;
}

Broken check_version(const tt_plugin& plugin) {
  if (plugin.magic != TT_MAGIC) {
    return "not a ThinTransport plugin: its magic is " + hex(plugin.magic) + ", not " +
           hex(TT_MAGIC);
  }
  const PluginVersions versions{{plugin.abi_major, plugin.abi_minor}, plugin.min_host_minor};
  if (auto misfit = version_misfit(versions, {TT_ABI_MAJOR, TT_ABI_MINOR})) return misfit;
  if (plugin.layout != TT_LAYOUT) {
    return "built with another layout of the tables, " + hex(plugin.layout) + ", not " +
           hex(TT_LAYOUT) + ": a packing option, or another size of pointers";
  }
  return std::nullopt;
}

Broken check_sizes(const tt_plugin& plugin) {
  // `extension` ends both tables of the first version; later members are optional.
  if (!TT_HAS(tt_plugin, &plugin, extension)) {
    return "its descriptor is too short: " + std::to_string(plugin.size) + " bytes, not " +
           std::to_string(sizeof(tt_plugin));
  }
  if (plugin.ops == nullptr) return "its descriptor has no table of operations";
  if (!TT_HAS(tt_ops, plugin.ops, extension)) {
    return "its table of operations is too short: " + std::to_string(plugin.ops->size) +
           " bytes, not " + std::to_string(sizeof(tt_ops));
  }
  return std::nullopt;
}

/// rx_release and conn_pause depend on capabilities that are known only once a transport is open.
Broken check_slots(const tt_ops& ops) {
  const std::pair<const char*, bool> slots[] = {
      {"open", ops.open != nullptr},
      {"query", ops.query != nullptr},
      {"shutdown", ops.shutdown != nullptr},
      {"destroy", ops.destroy != nullptr},
      {"listen", ops.listen != nullptr},
      {"listener_uri", ops.listener_uri != nullptr},
      {"unlisten", ops.unlisten != nullptr},
      {"connect", ops.connect != nullptr},
      {"conn_set_user", ops.conn_set_user != nullptr},
      {"conn_info", ops.conn_info != nullptr},
      {"conn_close", ops.conn_close != nullptr},
      {"conn_free", ops.conn_free != nullptr},
      {"send", ops.send != nullptr},
      {"progress", ops.progress != nullptr},
      {"arm", ops.arm != nullptr},
  };
  for (const auto& [name, filled] : slots) {
    if (!filled) return std::string("its mandatory operation '") + name + "' is missing";
  }
  return std::nullopt;
}

std::span<const tt_scheme> schemes_of(const tt_plugin& plugin) noexcept {
  return {plugin.schemes, plugin.nschemes};
}

Broken check_identity(const tt_plugin& plugin) {
  if (plugin.name == nullptr || plugin.version == nullptr || plugin.vendor == nullptr) {
    return "its descriptor lacks a name, a version or a vendor";
  }
  if (plugin.schemes == nullptr || plugin.nschemes == 0) return "it declares no schemes";
  for (const tt_scheme& scheme : schemes_of(plugin)) {
    if (scheme.name == nullptr) return "it declares a scheme without a name";
    if (scheme.reach < TT_REACH_PROCESS || scheme.reach > TT_REACH_NETWORK) {
      return std::string("its scheme '") + scheme.name + "' has the unknown reach " +
             std::to_string(scheme.reach);
    }
  }
  return std::nullopt;
}

}  // namespace

Result<void> check_descriptor(const tt_plugin& plugin, const std::filesystem::path& file) {
  Broken broken = check_version(plugin);
  if (!broken) broken = check_sizes(plugin);
  if (!broken) broken = check_slots(*plugin.ops);
  if (!broken) broken = check_identity(plugin);
  if (broken) return rejected(file, *broken);
  return {};
}

bool is_wrapper(const tt_scheme& entry) noexcept {
  return (entry.flags & TT_SCHEME_WRAPS) != 0;
}

const tt_scheme* find_scheme(const tt_plugin& plugin, std::string_view scheme) noexcept {
  const auto schemes = schemes_of(plugin);
  // An exact entry says more about the scheme than its family does.
  for (const tt_scheme& declared : schemes) {
    if (declared.name == scheme) return &declared;
  }
  const bool is_single = inner_scheme(inner_scheme(scheme)).empty();
  const auto found = std::find_if(schemes.begin(), schemes.end(), [&](const tt_scheme& declared) {
    return covers(declared.name, scheme) && (is_single || is_wrapper(declared));
  });
  return found == schemes.end() ? nullptr : &*found;
}

Result<const tt_scheme*> require_scheme(const tt_plugin& plugin, std::string_view scheme,
                                        const std::filesystem::path& file) {
  if (const tt_scheme* found = find_scheme(plugin, scheme)) return found;
  std::string declared;
  for (const tt_scheme& each : schemes_of(plugin)) {
    declared += (declared.empty() ? "" : ", ") + std::string(each.name);
  }
  return rejected(file,
                  "does not implement scheme '" + std::string(scheme) + "', only: " + declared);
}

}  // namespace trestle::plugin_loading
