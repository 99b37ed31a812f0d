// dlopen, and the sanity that the rest of the kit relies on.
#include "loaded_plugin.hpp"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "failure.hpp"

namespace trestle::conformance {
namespace {

void expect_mandatory_slots(const tt_ops& ops) {
  const bool complete = ops.open && ops.query && ops.shutdown && ops.destroy && ops.listen &&
                        ops.listener_uri && ops.unlisten && ops.connect && ops.conn_set_user &&
                        ops.conn_info && ops.conn_close && ops.conn_free && ops.send &&
                        ops.progress && ops.arm;
  expect(complete, "tt_ops: expected every mandatory slot to be set, got a null one");
}

void initialise_once(const tt_plugin& plugin) {
  static std::set<const tt_plugin*> initialised;
  if (plugin.init == nullptr || !initialised.insert(&plugin).second) return;
  tt_error error{};
  error.size = sizeof(error);
  const tt_status status = plugin.init(&error);
  expect(status == TT_OK,
         "init: expected TT_OK, got " + name_of_status(status) + ": " + error.text);
}

}  // namespace

const tt_plugin& load_module(const std::string& path) {
  void* const module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (module == nullptr) fail(std::string("dlopen: ") + ::dlerror());
  const auto* plugin = static_cast<const tt_plugin*>(::dlsym(module, "tt_plugin_v1"));
  if (plugin == nullptr) fail(path + ": expected the symbol tt_plugin_v1, got none");
  expect_equal("magic", TT_MAGIC, plugin->magic);
  // The draft from 0.9 on is the beginning of version 1.
  const bool is_draft = plugin->abi_major == 0 && plugin->abi_minor >= 9;
  if (!is_draft) expect_equal("abi_major", TT_ABI_MAJOR, plugin->abi_major);
  expect_equal("layout", TT_LAYOUT, plugin->layout);
  expect(plugin->abi_major != TT_ABI_MAJOR || plugin->min_host_minor <= TT_ABI_MINOR,
         "min_host_minor: above that of this kit");
  expect(plugin->ops != nullptr, "ops: expected a table, got null");
  expect_mandatory_slots(*plugin->ops);
  initialise_once(*plugin);
  return *plugin;
}

const tt_plugin& load_copy(const std::string& path) {
  const int copy = ::memfd_create("copy", MFD_CLOEXEC);
  expect(copy >= 0, "memfd_create: the kit itself is out of memory or file descriptors");
  const std::string place = "/proc/self/fd/" + std::to_string(copy);
  std::error_code error;
  std::filesystem::copy_file(path, place, std::filesystem::copy_options::overwrite_existing, error);
  expect(!error, "copying " + path + ": the kit itself cannot: " + error.message());
  const tt_plugin& plugin = load_module(place);
  ::close(copy);
  return plugin;
}

const tt_plugin& load_plugin(const std::string& path, const std::string& scheme) {
  const tt_plugin& plugin = load_module(path);
  expect(find_scheme(plugin, scheme) != nullptr,
         "schemes: expected \"" + scheme + "\" among them, got none");
  return plugin;
}

const tt_scheme* find_scheme(const tt_plugin& plugin, const std::string& scheme) {
  const tt_scheme* const end = plugin.schemes + plugin.nschemes;
  const tt_scheme* const at = std::find_if(plugin.schemes, end, [&](const tt_scheme& known) {
    const std::string_view name = known.name;
    if (!name.ends_with('*')) return name == scheme;
    return scheme.starts_with(name.substr(0, name.size() - 1));
  });
  return at == end ? nullptr : at;
}

}  // namespace trestle::conformance
