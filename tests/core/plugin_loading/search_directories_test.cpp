// Which directories are searched, in which order.
#include "plugin_loading/search_directories.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

namespace trestle::plugin_loading {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SearchOptions options_with(const std::string& path_variable) {
  SearchOptions options;
  options.path_variable = path_variable;
  options.beside_core = "/opt/trestle/lib/trestle/v1";
  options.install_directory = "/usr/lib/trestle/v1";
  return options;
}

std::vector<std::string> paths(const SearchOptions& options) {
  std::vector<std::string> found;
  for (const SearchDirectory& directory : search_directories(options).value()) {
    found.push_back(directory.path.string());
  }
  return found;
}

TEST(SearchDirectories, AreThoseBesideCoreAndOfTheInstallationByDefault) {
  const auto directories = search_directories(options_with("")).value();

  ASSERT_EQ(directories.size(), 2u);
  EXPECT_EQ(directories[0].path, "/opt/trestle/lib/trestle/v1");
  EXPECT_EQ(directories[0].rule, SearchRule::beside_core);
  EXPECT_EQ(directories[1].path, "/usr/lib/trestle/v1");
  EXPECT_EQ(directories[1].rule, SearchRule::install_directory);
}

TEST(SearchDirectories, AreReplacedByTheVariable) {
  EXPECT_THAT(paths(options_with("/a:/b/c")), ElementsAre("/a", "/b/c"));
}

TEST(SearchDirectories, HaveTheDefaultsWhereTheVariableSaysSo) {
  EXPECT_THAT(paths(options_with("/a:<default>:/b")),
              ElementsAre("/a", "/opt/trestle/lib/trestle/v1", "/usr/lib/trestle/v1", "/b"));
}

TEST(SearchDirectories, AreListedOnce) {
  EXPECT_THAT(paths(options_with("/a:/usr/lib/trestle/v1:/a:<default>")),
              ElementsAre("/a", "/usr/lib/trestle/v1", "/opt/trestle/lib/trestle/v1"));
}

TEST(SearchDirectories, IgnoreEmptyEntries) {
  EXPECT_THAT(paths(options_with(":/a::")), ElementsAre("/a"));
  EXPECT_EQ(paths(options_with("::")), paths(options_with("")));
}

TEST(SearchDirectories, RefuseRelativeEntriesByName) {
  for (const std::string entry : {".", "plugins", "../lib"}) {
    const auto directories = search_directories(options_with("/a:" + entry));

    ASSERT_TRUE(directories.has_error());
    EXPECT_TRUE(directories.error().is(Errc::plugin_rejected));
    EXPECT_THAT(directories.error().text, HasSubstr("TRESTLE_PLUGIN_PATH names '" + entry +
                                                    "': directories must be absolute"));
  }
}

TEST(SearchDirectories, IgnoreTheVariableInAnElevatedProcess) {
  SearchOptions options = options_with("/a:not/absolute");
  options.privilege = Privilege::elevated;

  EXPECT_EQ(paths(options), paths(options_with("")));
}

TEST(SearchDirectories, LieBesideTheObjectThatHoldsCore) {
  EXPECT_EQ(plugins_beside("/opt/t/lib/libtrestle.so.0.1.0", ObjectKind::library),
            "/opt/t/lib/trestle/v1");
  EXPECT_EQ(plugins_beside("/opt/t/bin/app", ObjectKind::executable), "/opt/t/lib/trestle/v1");
}

TEST(SearchOptions, OfThisProcessComeFromItsEnvironmentAndItsExecutable) {
  ASSERT_EQ(setenv("TRESTLE_PLUGIN_PATH", "/from/environment", 1), 0);
  const SearchOptions options = SearchOptions::of_process();
  unsetenv("TRESTLE_PLUGIN_PATH");

  // This test has core's code in its executable.
  const auto executable = std::filesystem::read_symlink("/proc/self/exe");
  EXPECT_EQ(options.path_variable, "/from/environment");
  EXPECT_EQ(options.beside_core, executable.parent_path().parent_path() / "lib/trestle/v1");
  EXPECT_TRUE(options.install_directory.is_absolute());
  EXPECT_EQ(options.privilege, Privilege::ordinary);
}

}  // namespace
}  // namespace trestle::plugin_loading
