// The plugin's descriptor: all that is visible of trestle_tcp.so.
#include <trestle/sdk/plugin.hpp>

#include "stream_transport.hpp"

namespace {

constexpr tt_scheme schemes[] = {{"tcp", TT_REACH_NETWORK, 0}, {"unix", TT_REACH_HOST, 0}};

}  // namespace

TT_PLUGIN_DEFINE = trestle::sdk::describe_plugin<trestle::tcp::StreamTransport>(
    {.name = "tcp", .version = TRESTLE_VERSION, .vendor = "Trestle"}, schemes);
