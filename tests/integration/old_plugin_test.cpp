// Nodes of today over plugins that were built with earlier versions of the contract.
#include <gmock/gmock.h>
#include <trestle/plugins.hpp>
#include <trestle/trestle.hpp>

#include <string>

namespace trestle {
namespace {

using ::testing::HasSubstr;

/// A plugin, and what it was built with.
struct Built {
  const char* file;
  unsigned minor;
};

class OldPlugin : public ::testing::TestWithParam<Built> {
 protected:
  static NodeOptions with_old_plugin() {
    NodeOptions options;
    options.workers = 1;
    options.plugins = {GetParam().file, TRESTLE_PASS_PLUGIN};
    return options;
  }

  OldPlugin() {
    server_.add(unary("double", [](int value) { return 2 * value; })).value();
    server_.add(unary("echo", [](Encoded in) { return in; })).value();
  }

  Node server_{with_old_plugin()};
  Node client_{with_old_plugin()};
};

TEST_P(OldPlugin, SaysItsVersion) {
  const auto described = inspect_plugin({GetParam().file, "", {}});

  ASSERT_TRUE(described.has_value()) << described.error().text;
  EXPECT_EQ(described->abi_major, 0);
  EXPECT_EQ(described->abi_minor, GetParam().minor);
}

TEST_P(OldPlugin, CarriesCalls) {
  const Peer peer = client_.connect(server_.listen("old://*").value()).value();

  for (int i = 0; i < 1000; ++i) ASSERT_EQ(peer.call<int>("double", i).value(), 2 * i);
  const std::string large(4u << 20, 'x');
  EXPECT_EQ(peer.call<std::string>("echo", large).value(), large);
}

TEST_P(OldPlugin, CarriesANewWrapper) {
  const Peer peer = client_.connect(server_.listen("pass+old://*").value()).value();

  EXPECT_EQ(peer.call<int>("double", 21).value(), 42);
}

TEST_P(OldPlugin, RefusesInItsOwnWords) {
  const auto refused = server_.listen("old://Not-A-Name");

  EXPECT_TRUE(refused.error().is(Errc::bad_endpoint));
  EXPECT_THAT(refused.error().text, HasSubstr("expected old://NAME"));
}

INSTANTIATE_TEST_SUITE_P(Versions, OldPlugin,
                         ::testing::Values(Built{TRESTLE_PLUGIN_0_9, 9},
                                           Built{TRESTLE_PLUGIN_0_10, 10},
                                           Built{TRESTLE_PLUGIN_0_11, 11}),
                         [](const auto& version) {
                           return "Of0Point" + std::to_string(version.param.minor);
                         });

}  // namespace
}  // namespace trestle
