// Remembering which plugins of this process are initialised.
#include "plugin_loading/plugin_init.hpp"

#include "plugin_loading/rejection.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace trestle::plugin_loading {
namespace {

using Failure = std::optional<std::string>;

/// One per process and not per node, because that is what the contract with plugins says: objects
/// are never unloaded, and `init` runs once in the life of an object.
struct InitHistory {
  std::mutex mutex;
  std::map<const tt_plugin*, Failure> outcomes;
};

InitHistory& init_history() {
  // Never destroyed: another static's destructor may still load a plugin.
  static auto* const history = new InitHistory;
  return *history;
}

Failure call_init(const tt_plugin& plugin) {
  if (plugin.init == nullptr) return std::nullopt;
  tt_error error{};
  error.size = sizeof(error);
  const tt_status status = plugin.init(&error);
  if (status >= 0) return std::nullopt;
  error.text[sizeof(error.text) - 1] = '\0';
  const std::string text = error.text[0] != '\0' ? error.text : "it gives no reason";
  return "its init failed: " + text + " (status " + std::to_string(status) + ")";
}

}  // namespace

Result<void> initialize_once(const tt_plugin& plugin, const std::filesystem::path& file) {
  InitHistory& history = init_history();
  const std::lock_guard lock(history.mutex);
  auto known = history.outcomes.find(&plugin);
  if (known == history.outcomes.end()) {
    known = history.outcomes.emplace(&plugin, call_init(plugin)).first;
  }
  if (known->second) return rejected(file, *known->second);
  return {};
}

}  // namespace trestle::plugin_loading
