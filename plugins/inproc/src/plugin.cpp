// What trestle_inproc.so exports.
#include <trestle/sdk/plugin.hpp>

#include "inproc_transport.hpp"

namespace {

constexpr tt_scheme schemes[] = {{"inproc", TT_REACH_PROCESS, 0}};

}  // namespace

TT_PLUGIN_DEFINE = trestle::sdk::describe_plugin<trestle::inproc::InprocTransport>(
    {.name = "inproc", .version = "0.1.0", .vendor = "Trestle"}, schemes);
