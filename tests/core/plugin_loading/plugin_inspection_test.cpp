// What the public look at plugin files tells: order, hiding, descriptions and refusals.
#include <trestle/plugins.hpp>

#include "plugin_directory.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace trestle {
namespace {

using plugin_loading::PluginDirectory;
using testing::HasSubstr;

/// TRESTLE_PLUGIN_PATH for as long as it lives.
class PluginPath {
 public:
  explicit PluginPath(const std::string& value) {
    setenv("TRESTLE_PLUGIN_PATH", value.c_str(), /*overwrite=*/1);
  }
  PluginPath(const PluginPath&) = delete;
  PluginPath& operator=(const PluginPath&) = delete;
  ~PluginPath() { unsetenv("TRESTLE_PLUGIN_PATH"); }
};

TEST(ListPluginFiles, ShowsWhatEarlierFilesHide) {
  const PluginDirectory first;
  const PluginDirectory second;
  const auto used = first.install("fake_none", "trestle_fake.so");
  const auto hidden = second.install("fake_none", "trestle_fake.so");
  const PluginPath path(first.path().string() + ':' + second.path().string());

  const auto files = list_plugin_files();

  ASSERT_TRUE(files.has_value());
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0].path, used);
  EXPECT_EQ((*files)[0].hidden_by, "");
  EXPECT_EQ((*files)[0].found_by, "directory of TRESTLE_PLUGIN_PATH");
  EXPECT_EQ((*files)[1].path, hidden);
  EXPECT_EQ((*files)[1].hidden_by, used);
}

TEST(ListPluginFiles, RefusesARelativeDirectory) {
  const PluginPath path("lib");

  const auto files = list_plugin_files();

  ASSERT_TRUE(files.has_error());
  EXPECT_TRUE(files.error().is(Errc::plugin_rejected));
}

TEST(InspectPlugin, TellsWhatTheDescriptorSays) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_fake.so");
  const PluginPath path(directory.path().string());

  const auto description = inspect_plugin({file, "", ""});

  ASSERT_TRUE(description.has_value()) << description.error().text;
  EXPECT_EQ(description->name, "fake");
  EXPECT_EQ(description->version, "1.2.3");
  EXPECT_EQ(description->vendor, "tests");
  EXPECT_EQ(description->abi_major, TT_ABI_MAJOR);
  EXPECT_EQ(description->abi_minor, TT_ABI_MINOR);
}

TEST(InspectPlugin, ShowsOnlyTheSchemesThatTheFileNameStandsFor) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_family.so");
  const PluginPath path(directory.path().string());

  const auto description = inspect_plugin({file, "", ""});

  ASSERT_TRUE(description.has_value()) << description.error().text;
  ASSERT_EQ(description->schemes.size(), 1u);
  EXPECT_EQ(description->schemes[0].name, "family+*");
  EXPECT_EQ(description->schemes[0].reach, Reach::network);
}

TEST(InspectPlugin, ShowsAllSchemesOfAFileThatNoSearchFinds) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "any_name.so");

  const auto description = inspect_plugin({file, "", ""});

  ASSERT_TRUE(description.has_value()) << description.error().text;
  EXPECT_EQ(description->schemes.size(), 3u);
}

TEST(InspectPlugin, RefusesAFileNamedForAnotherScheme) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_other.so");
  const PluginPath path(directory.path().string());

  const auto description = inspect_plugin({file, "", ""});

  ASSERT_TRUE(description.has_error());
  EXPECT_TRUE(description.error().is(Errc::plugin_rejected));
  EXPECT_THAT(description.error().text, HasSubstr("trestle_other.so"));
  EXPECT_THAT(description.error().text, HasSubstr("only: fake, twin, family+*"));
}

TEST(InspectPlugin, RefusesAPluginWhoseInitFails) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_init_fails", "trestle_fake.so");
  const PluginPath path(directory.path().string());

  const auto description = inspect_plugin({file, "", ""});

  ASSERT_TRUE(description.has_error());
  EXPECT_THAT(description.error().text, HasSubstr("the flux capacitor is cold"));
}

TEST(InspectPlugin, RefusesARelativePath) {
  const auto description = inspect_plugin({"trestle_fake.so", "", ""});

  ASSERT_TRUE(description.has_error());
  EXPECT_THAT(description.error().text, HasSubstr("must be absolute"));
}

}  // namespace
}  // namespace trestle
