// Finding and loading plugins that are as they should be.
#include "plugin_directory.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace trestle::plugin_loading {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(PluginRegistry, LoadsThePluginOfAScheme) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_fake.so");
  PluginRegistry registry(directory.options());

  const auto plugin = registry.find("fake");

  ASSERT_TRUE(plugin.has_value()) << plugin.error().text;
  EXPECT_STREQ(plugin->descriptor->name, "fake");
  EXPECT_STREQ(plugin->scheme->name, "fake");
  EXPECT_EQ(plugin->scheme->reach, TT_REACH_PROCESS);
  EXPECT_EQ(plugin->file, file);
  EXPECT_EQ(plugin->why_chosen, "directory beside core " + directory.path().string());
  EXPECT_EQ(init_calls(*plugin->descriptor), 1);
}

TEST(PluginRegistry, FindsASchemeByItsFamily) {
  const PluginDirectory directory;
  directory.install("fake_none", "trestle_family.so");
  PluginRegistry registry(directory.options());

  const auto plugin = registry.find("family+verbs");

  ASSERT_TRUE(plugin.has_value()) << plugin.error().text;
  EXPECT_STREQ(plugin->scheme->name, "family+*");
  EXPECT_EQ(plugin->scheme->reach, TT_REACH_NETWORK);
  EXPECT_TRUE(registry.find("family").has_error());
}

TEST(PluginRegistry, ListsEveryPathTriedWhenNothingIsFound) {
  SearchOptions options;
  options.path_variable = "/nowhere/a:<default>";
  options.beside_core = "/nowhere/b";
  options.install_directory = "/nowhere/c";
  PluginRegistry registry(options);

  const auto plugin = registry.find("tcp");

  ASSERT_TRUE(plugin.has_error());
  EXPECT_TRUE(plugin.error().is(Errc::unknown_scheme));
  EXPECT_EQ(plugin.error().text,
            "no transport plugin for scheme 'tcp'; tried /nowhere/a/trestle_tcp.so, "
            "/nowhere/b/trestle_tcp.so, /nowhere/c/trestle_tcp.so");
}

TEST(PluginRegistry, SaysHowToSearchTheDefaultsThatTheVariableReplaced) {
  SearchOptions options;
  options.path_variable = "/nowhere/a";
  PluginRegistry registry(options);

  const auto plugin = registry.find("tcp");

  ASSERT_TRUE(plugin.has_error());
  EXPECT_THAT(plugin.error().text, HasSubstr("add the entry <default>"));
}

TEST(PluginRegistry, RefusesMalformedSchemesEvenWithAFamilyLoaded) {
  const PluginDirectory directory;
  PluginRegistry registry(directory.options());
  ASSERT_TRUE(registry.add_plugin(directory.install("fake_none", "any_name.so")).has_value());

  const auto plugin = registry.find("family+../evil");

  ASSERT_TRUE(plugin.has_error());
  EXPECT_TRUE(plugin.error().is(Errc::bad_endpoint));
}

TEST(PluginRegistry, FindsThePluginAgainAfterItsFileIsGone) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_fake.so");
  PluginRegistry registry(directory.options());
  const auto first = registry.find("fake");
  std::filesystem::remove(file);

  const auto second = registry.find("fake");

  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(second->descriptor, first->descriptor);
}

TEST(PluginRegistry, LoadsOneObjectForTwoNamesOfOneFile) {
  const PluginDirectory directory;
  directory.install("fake_none", "trestle_fake.so");
  std::filesystem::create_symlink("trestle_fake.so", directory.path() / "trestle_twin.so");
  std::vector<std::string> lines;
  SearchOptions options = directory.options();
  options.log_info = [&](const std::string& line) { lines.push_back(line); };
  PluginRegistry registry(options);

  const auto twin = registry.find("twin");
  const auto fake = registry.find("fake");

  ASSERT_TRUE(fake.has_value() && twin.has_value());
  EXPECT_EQ(twin->descriptor, fake->descriptor);
  EXPECT_EQ(twin->scheme->reach, TT_REACH_HOST);
  EXPECT_EQ(twin->file, fake->file);
  EXPECT_EQ(init_calls(*fake->descriptor), 1);
  EXPECT_EQ(lines.size(), 1u);
}

TEST(PluginRegistry, LogsOneLinePerPlugin) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_fake.so");
  std::vector<std::string> lines;
  SearchOptions options = directory.options();
  options.log_info = [&](const std::string& line) { lines.push_back(line); };
  PluginRegistry registry(options);

  ASSERT_TRUE(registry.find("fake").has_value());
  ASSERT_TRUE(registry.find("fake").has_value());

  const std::string abi = std::to_string(TT_ABI_MAJOR) + "." + std::to_string(TT_ABI_MINOR);
  EXPECT_THAT(lines,
              ElementsAre("loaded transport plugin fake 1.2.3 (ThinTransport " + abi + ") from " +
                          file.string() + ": directory beside core " + directory.path().string()));
}

TEST(PluginRegistry, PrefersAnAddedPluginUnderWhateverName) {
  const PluginDirectory directory;
  directory.install("fake_none", "trestle_fake.so");
  const auto mine = directory.install("fake_none", "mine");
  PluginRegistry registry(directory.options());
  const auto found_before = registry.find("fake");

  const auto added = registry.add_plugin(mine);
  const auto fake = registry.find("fake");
  const auto twin = registry.find("twin");

  ASSERT_TRUE(added.has_value()) << added.error().text;
  ASSERT_TRUE(found_before.has_value() && fake.has_value() && twin.has_value());
  EXPECT_NE(fake->descriptor, found_before->descriptor);
  EXPECT_EQ(fake->file, mine);
  EXPECT_EQ(fake->why_chosen, "added by the program");
  EXPECT_EQ(twin->descriptor, fake->descriptor);
}

TEST(PluginRegistry, InitialisesAPluginOncePerProcess) {
  const PluginDirectory directory;
  directory.install("fake_none", "trestle_fake.so");
  constexpr int threads = 8;
  std::latch start(threads);
  std::vector<const tt_plugin*> descriptors(threads);
  {
    std::vector<std::jthread> searches;
    for (auto& descriptor : descriptors) {
      searches.emplace_back([&] {
        PluginRegistry registry(directory.options());
        start.arrive_and_wait();
        descriptor = registry.find("fake").value().descriptor;
      });
    }
  }

  EXPECT_EQ(std::count(descriptors.begin(), descriptors.end(), descriptors.front()), threads);
  EXPECT_EQ(init_calls(*descriptors.front()), 1);
}

TEST(PluginRegistry, DoesNotInitialiseAPluginForASchemeThatItLacks) {
  const PluginDirectory directory;
  directory.install("fake_none", "trestle_other.so");
  std::filesystem::create_symlink("trestle_other.so", directory.path() / "trestle_fake.so");
  PluginRegistry registry(directory.options());
  ASSERT_TRUE(registry.find("other").has_error());
  // The same object under a name that fits: this is its first init.
  const auto plugin = registry.find("fake");

  ASSERT_TRUE(plugin.has_value());
  EXPECT_EQ(init_calls(*plugin->descriptor), 1);
}

TEST(PluginRegistry, KeepsPluginsLoadedWhenItEnds) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_fake.so");

  ASSERT_TRUE(PluginRegistry(directory.options()).find("fake").has_value());

  void* still_there = dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD);
  EXPECT_NE(still_there, nullptr);
  if (still_there != nullptr) dlclose(still_there);
}

TEST(PluginRegistry, ListsFilesInSearchOrderWithoutOpeningThem) {
  const PluginDirectory first;
  const PluginDirectory second;
  first.write("trestle_b.so", "not even a plugin");
  first.write("trestle_a.so", "nor this");
  first.write("README", "no plugin's name");
  second.write("trestle_a.so", "hidden by the first");
  SearchOptions options = first.options();
  options.path_variable = second.path().string() + ":<default>:/nowhere";
  PluginRegistry registry(options);
  const auto mine = first.install("fake_none", "mine");
  ASSERT_TRUE(registry.add_plugin(mine).has_value());

  const auto files = registry.list();

  ASSERT_TRUE(files.has_value());
  const auto is = [](const std::filesystem::path& path, SearchRule rule) {
    return AllOf(testing::Field(&PluginFile::path, path), testing::Field(&PluginFile::rule, rule));
  };
  EXPECT_THAT(*files, ElementsAre(is(mine, SearchRule::added),
                                  is(second.path() / "trestle_a.so", SearchRule::path_variable),
                                  is(first.path() / "trestle_a.so", SearchRule::beside_core),
                                  is(first.path() / "trestle_b.so", SearchRule::beside_core)));
}

}  // namespace
}  // namespace trestle::plugin_loading
