// Hosts and plugins of several versions of the contract, also of those to come.
#include "plugin_loading/abi_version.hpp"

#include <gmock/gmock.h>

namespace trestle::plugin_loading {
namespace {

using testing::HasSubstr;

std::string misfit(AbiVersion built_with, unsigned min_host_minor, AbiVersion host) {
  return version_misfit({built_with, min_host_minor}, host).value_or("");
}

TEST(AbiVersion, FitsWithinAMajorVersionBothWays) {
  EXPECT_EQ(misfit({0, 9}, 9, {0, 9}), "");
  EXPECT_EQ(misfit({0, 9}, 9, {0, 12}), "") << "an older plugin";
  EXPECT_EQ(misfit({0, 12}, 9, {0, 9}), "") << "a newer plugin that asks before it reads";
  EXPECT_EQ(misfit({1, 4}, 0, {1, 0}), "");
}

TEST(AbiVersion, RefusesAPluginThatNeedsANewerHost) {
  EXPECT_THAT(misfit({1, 4}, 3, {1, 2}), HasSubstr("needs a host with ThinTransport 1.3 or later"));
}

TEST(AbiVersion, TakesTheDraftFrom09OnAsTheBeginningOfVersion1) {
  EXPECT_EQ(misfit({0, 9}, 9, {1, 0}), "");
  EXPECT_EQ(misfit({0, 11}, 11, {1, 0}), "") << "1.0 has all that the drafts had";
  EXPECT_THAT(misfit({0, 8}, 8, {1, 0}), HasSubstr("older than 0.9"));
  EXPECT_THAT(misfit({0, 8}, 8, {0, 9}), HasSubstr("older than 0.9"));
}

TEST(AbiVersion, RefusesOtherMajorVersions) {
  EXPECT_THAT(misfit({1, 0}, 0, {0, 9}), HasSubstr("this host speaks 0.9"));
  EXPECT_THAT(misfit({2, 0}, 0, {1, 9}), HasSubstr("the major versions must be equal"));
  EXPECT_THAT(misfit({0, 9}, 9, {2, 0}), HasSubstr("the major versions must be equal"));
}

}  // namespace
}  // namespace trestle::plugin_loading
