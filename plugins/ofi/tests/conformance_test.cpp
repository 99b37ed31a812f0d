// Holds trestle_ofi.so against the behaviours that every transport must show, by provider.
#include <trestle/conformance/gtest.hpp>

#include <string_view>

namespace {

using trestle::conformance::Check;
using trestle::conformance::instantiate;
using trestle::conformance::Subject;

const Subject tcp{
    .plugin_path = TRESTLE_PLUGIN_UNDER_TEST,
    .scheme = "ofi+tcp",
    .listen_uri = "ofi+tcp://127.0.0.1:0",
    .bad_uris = {"ofi+tcp://127.0.0.1", "ofi+tcp://127.0.0.1:99999999", "ofi+tcp://::1:80",
                 "ofi+tcp://127.0.0.1:80?rx_buffers=0", "ofi+tcp://127.0.0.1:80?prov=verbs"}};

/// What else differs once memory may be opened to the other side.
Subject with_bulk(const char* more) {
  Subject subject = tcp;
  subject.listen_uri += std::string("?bulk=on") + more;
  return subject;
}

bool needs_bulk(const Check& check) {
  return std::string_view(check.rule) == "Bulk";
}

[[maybe_unused]] const bool tcp_registered = instantiate("OfiTcpConformance", tcp);
[[maybe_unused]] const bool bulk_registered =
    instantiate("OfiTcpBulkConformance", with_bulk(""), needs_bulk);
[[maybe_unused]] const bool registered_registered =
    instantiate("OfiTcpRegisteredBulkConformance", with_bulk("&register=always"), needs_bulk);

}  // namespace
