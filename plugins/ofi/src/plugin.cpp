// The plugin's descriptor: all that is visible of trestle_ofi.so.
#include <trestle/ext/report.h>
#include <trestle/sdk/plugin.hpp>

#include <string_view>

#include "ofi_transport.hpp"
#include "report.hpp"

namespace {

constexpr tt_scheme schemes[] = {{"ofi", TT_REACH_NETWORK, 0}, {"ofi+*", TT_REACH_NETWORK, 0}};

const void* extension(const char* id) noexcept {
  return std::string_view(id) == TT_REPORT_ID ? &trestle::ofi::report_table() : nullptr;
}

constexpr tt_plugin describe() {
  tt_plugin plugin = trestle::sdk::describe_plugin<trestle::ofi::OfiTransport>(
      {.name = "ofi", .version = TRESTLE_VERSION, .vendor = "Trestle"}, schemes);
  plugin.extension = &extension;
  return plugin;
}

}  // namespace

TT_PLUGIN_DEFINE = describe();
