// The plugin's descriptor: all that is visible of trestle_ofi.so.
#include <trestle/sdk/plugin.hpp>

#include "ofi_transport.hpp"

namespace {

constexpr tt_scheme schemes[] = {{"ofi", TT_REACH_NETWORK, 0}, {"ofi+*", TT_REACH_NETWORK, 0}};

}  // namespace

TT_PLUGIN_DEFINE = trestle::sdk::describe_plugin<trestle::ofi::OfiTransport>(
    {.name = "ofi", .version = TRESTLE_VERSION, .vendor = "Trestle"}, schemes);
