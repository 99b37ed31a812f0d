// Holds trestle_inproc.so against the behaviours that every transport must show.
#include <trestle/conformance/gtest.hpp>

namespace {

[[maybe_unused]] const bool registered = trestle::conformance::instantiate(
    "InprocConformance", {.plugin_path = TRESTLE_PLUGIN_UNDER_TEST,
                          .scheme = "inproc",
                          .listen_uri = "inproc://*",
                          .library_buffer_bytes_max = 0});

}  // namespace
