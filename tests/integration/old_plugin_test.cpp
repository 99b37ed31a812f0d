// Nodes of today over a plugin that was built with the contract of 0.9.
#include <gmock/gmock.h>
#include <trestle/plugins.hpp>
#include <trestle/trestle.hpp>

#include <string>

namespace trestle {
namespace {

using ::testing::HasSubstr;

class OldPlugin : public ::testing::Test {
 protected:
  static NodeOptions with_old_plugin() {
    NodeOptions options;
    options.workers = 1;
    options.plugins = {TRESTLE_OLD_PLUGIN, TRESTLE_PASS_PLUGIN};
    return options;
  }

  OldPlugin() {
    server_.add(unary("double", [](int value) { return 2 * value; })).value();
    server_.add(unary("echo", [](Encoded in) { return in; })).value();
  }

  Node server_{with_old_plugin()};
  Node client_{with_old_plugin()};
};

TEST_F(OldPlugin, SaysItsVersion) {
  const auto described = inspect_plugin({TRESTLE_OLD_PLUGIN, "", {}});

  ASSERT_TRUE(described.has_value()) << described.error().text;
  EXPECT_EQ(described->abi_major, 0);
  EXPECT_EQ(described->abi_minor, 9);
}

TEST_F(OldPlugin, CarriesCalls) {
  const Peer peer = client_.connect(server_.listen("old://*").value()).value();

  for (int i = 0; i < 1000; ++i) ASSERT_EQ(peer.call<int>("double", i).value(), 2 * i);
  const std::string large(4u << 20, 'x');
  EXPECT_EQ(peer.call<std::string>("echo", large).value(), large);
}

TEST_F(OldPlugin, CarriesANewWrapper) {
  const Peer peer = client_.connect(server_.listen("pass+old://*").value()).value();

  EXPECT_EQ(peer.call<int>("double", 21).value(), 42);
}

TEST_F(OldPlugin, RefusesInItsOwnWords) {
  const auto refused = server_.listen("old://Not-A-Name");

  EXPECT_TRUE(refused.error().is(Errc::bad_endpoint));
  EXPECT_THAT(refused.error().text, HasSubstr("expected old://NAME"));
}

}  // namespace
}  // namespace trestle
