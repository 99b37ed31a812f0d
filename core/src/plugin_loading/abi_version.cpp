// The rules of docs/thin_transport_abi.md about versions.
#include "plugin_loading/abi_version.hpp"

namespace trestle::plugin_loading {
namespace {

// Since this one the draft is only added to.
constexpr AbiVersion oldest_draft{0, 9};

bool is_later_draft(AbiVersion version) {
  return version.major == oldest_draft.major && version.minor >= oldest_draft.minor;
}

}  // namespace

std::string to_string(AbiVersion version) {
  return std::to_string(version.major) + '.' + std::to_string(version.minor);
}

std::optional<std::string> version_misfit(const PluginVersions& plugin, AbiVersion host) {
  const AbiVersion built = plugin.built_with;
  if (built.major == 0 && !is_later_draft(built)) {
    return "built for ThinTransport " + to_string(built) + ", a draft older than " +
           to_string(oldest_draft) + ", the first that hosts still take: rebuild it";
  }
  if (is_later_draft(built) && host.major == 1) return std::nullopt;
  if (built.major != host.major) {
    return "built for ThinTransport " + to_string(built) + ", this host speaks " + to_string(host) +
           ": the major versions must be equal";
  }
  if (plugin.min_host_minor > host.minor) {
    return "needs a host with ThinTransport " + to_string({built.major, plugin.min_host_minor}) +
           " or later, this host speaks " + to_string(host);
  }
  return std::nullopt;
}

}  // namespace trestle::plugin_loading
