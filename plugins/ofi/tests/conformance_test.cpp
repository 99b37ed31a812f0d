// Holds trestle_ofi.so against the behaviours that every transport must show, by provider.
#include <trestle/conformance/gtest.hpp>

namespace {

using trestle::conformance::instantiate;

[[maybe_unused]] const bool tcp_registered = instantiate(
    "OfiTcpConformance",
    {.plugin_path = TRESTLE_PLUGIN_UNDER_TEST,
     .scheme = "ofi+tcp",
     .listen_uri = "ofi+tcp://127.0.0.1:0",
     .bad_uris = {"ofi+tcp://127.0.0.1", "ofi+tcp://127.0.0.1:99999999", "ofi+tcp://::1:80",
                  "ofi+tcp://127.0.0.1:80?rx_buffers=0", "ofi+tcp://127.0.0.1:80?prov=verbs"}});

}  // namespace
