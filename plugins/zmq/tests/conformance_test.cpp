// Holds trestle_zmq.so against the behaviours that every transport must show, by scheme.
#include <trestle/conformance/gtest.hpp>

namespace {

using trestle::conformance::instantiate;

[[maybe_unused]] const bool tcp_registered = instantiate(
    "ZmqTcpConformance",
    {.plugin_path = TRESTLE_PLUGIN_UNDER_TEST,
     .scheme = "zmq+tcp",
     .listen_uri = "zmq+tcp://127.0.0.1:0",
     .bad_uris = {"zmq+tcp://127.0.0.1", "zmq+tcp://127.0.0.1:99999999", "zmq+tcp://::1:80",
                  "zmq+tcp://127.0.0.1:80?sndhwm=0", "zmq+tcp://127.0.0.1:80?tos=many"}});

[[maybe_unused]] const bool ipc_registered =
    instantiate("ZmqIpcConformance",
                {.plugin_path = TRESTLE_PLUGIN_UNDER_TEST,
                 .scheme = "zmq+ipc",
                 .listen_uri = "zmq+ipc://*",
                 .bad_uris = {"zmq+ipc://relative.sock", "zmq+ipc://@", "zmq+ipc:///tmp/x?tos=1"}});

}  // namespace
