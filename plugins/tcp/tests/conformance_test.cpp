// Holds trestle_tcp.so against the behaviours that every transport must show, for both schemes.
#include <trestle/conformance/gtest.hpp>

namespace {

using trestle::conformance::instantiate;

[[maybe_unused]] const bool tcp_registered =
    instantiate("TcpConformance", {.plugin_path = TRESTLE_PLUGIN_UNDER_TEST,
                                   .scheme = "tcp",
                                   .listen_uri = "tcp://127.0.0.1:0",
                                   .bad_uris = {"tcp://127.0.0.1", "tcp://127.0.0.1:99999999",
                                                "tcp://::1:80", "tcp://127.0.0.1:80?colour=red"}});

[[maybe_unused]] const bool unix_registered =
    instantiate("UnixConformance",
                {.plugin_path = TRESTLE_PLUGIN_UNDER_TEST,
                 .scheme = "unix",
                 .listen_uri = "unix://*",
                 .bad_uris = {"unix://relative.sock", "unix://@", "unix:///tmp/x?nodelay=on"}});

}  // namespace
