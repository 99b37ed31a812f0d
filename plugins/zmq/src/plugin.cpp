// The plugin's descriptor: all that is visible of trestle_zmq.so.
#include <trestle/sdk/plugin.hpp>

#include "zmq_transport.hpp"

namespace {

constexpr tt_scheme schemes[] = {{"zmq", TT_REACH_NETWORK, 0},
                                 {"zmq+tcp", TT_REACH_NETWORK, 0},
                                 {"zmq+ipc", TT_REACH_HOST, 0},
                                 {"zmq+curve", TT_REACH_NETWORK, 0}};

}  // namespace

TT_PLUGIN_DEFINE = trestle::sdk::describe_plugin<trestle::zeromq::ZmqTransport>(
    {.name = "zmq", .version = TRESTLE_VERSION, .vendor = "Trestle"}, schemes);
