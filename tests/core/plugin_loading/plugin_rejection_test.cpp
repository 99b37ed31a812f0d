// Each way in which a file that was found cannot be used: through the registry, with its text.
#include "plugin_directory.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <ostream>
#include <string>

namespace trestle::plugin_loading {
namespace {

using testing::HasSubstr;

std::string abi_version(unsigned minor) {
  return std::to_string(TT_ABI_MAJOR) + "." + std::to_string(minor);
}

struct Flaw {
  std::string fake;
  std::string rule;  ///< what the text must say
};

std::ostream& operator<<(std::ostream& out, const Flaw& flaw) {
  return out << flaw.fake;
}

class PluginWithFlaw : public testing::TestWithParam<Flaw> {};

TEST_P(PluginWithFlaw, IsRejectedWithFileAndRule) {
  const PluginDirectory directory;
  const auto file = directory.install(GetParam().fake, "trestle_fake.so");
  PluginRegistry registry(directory.options());

  const auto found = registry.find("fake");
  const auto added = registry.add_plugin(file);

  ASSERT_TRUE(found.has_error());
  EXPECT_TRUE(found.error().is(Errc::plugin_rejected));
  EXPECT_THAT(found.error().text, HasSubstr("transport plugin " + file.string() + ": "));
  EXPECT_THAT(found.error().text, HasSubstr(GetParam().rule));
  ASSERT_TRUE(added.has_error());
  EXPECT_EQ(added.error().text, found.error().text);
}

INSTANTIATE_TEST_SUITE_P(
    Each, PluginWithFlaw,
    testing::Values(
        Flaw{"fake_no_symbol", "exports no symbol tt_plugin_v1: not a ThinTransport plugin"},
        Flaw{"fake_undefined_symbol", "undefined symbol: fake_symbol_that_nobody_defines"},
        Flaw{"fake_borrowed_symbol",
             "tt_plugin_v1 belongs to " FAKE_PLUGIN_DIR "/fake_dependency.so, a dependency"},
        Flaw{"fake_magic", "its magic is 0xdeadbeef, not 0x31505454"},
        Flaw{"fake_major", "built for ThinTransport " + std::to_string(TT_ABI_MAJOR + 7) + "." +
                               std::to_string(TT_ABI_MINOR) + ", this host speaks " +
                               abi_version(TT_ABI_MINOR)},
        Flaw{"fake_layout", "built with another layout of the tables"},
        Flaw{"fake_newer_host", "needs a host with ThinTransport " + abi_version(TT_ABI_MINOR + 3) +
                                    " or later, this host speaks " + abi_version(TT_ABI_MINOR)},
        Flaw{"fake_short_table", "its table of operations is too short: 144 bytes, not 160"},
        Flaw{"fake_missing_slot", "its mandatory operation 'listener_uri' is missing"},
        Flaw{"fake_init_fails", "its init failed: the flux capacitor is cold (status -5)"}),
    [](const auto& each) { return each.param.fake; });

/// The text with which a search for "fake" rejects what the directory holds.
std::string rejection(const SearchOptions& options) {
  const auto found = PluginRegistry(options).find("fake");
  EXPECT_TRUE(found.has_error());
  if (found.has_value()) return {};
  EXPECT_TRUE(found.error().is(Errc::plugin_rejected));
  return found.error().text;
}

TEST(PluginRejection, HasTheLinkersTextForAFileThatIsNotElf) {
  const PluginDirectory directory;
  const auto file = directory.write("trestle_fake.so", std::string(4096, 't'));

  EXPECT_EQ(rejection(directory.options()),
            "transport plugin " + file.string() +
                ": the dynamic linker refuses it: " + file.string() + ": invalid ELF header");
}

TEST(PluginRejection, CoversAnEmptyFile) {
  const PluginDirectory directory;
  directory.write("trestle_fake.so", "");

  EXPECT_THAT(rejection(directory.options()), HasSubstr("file too short"));
}

TEST(PluginRejection, ListsTheSchemesThatTheFileImplementsInstead) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_other.so");

  const auto found = PluginRegistry(directory.options()).find("other");

  ASSERT_TRUE(found.has_error());
  EXPECT_TRUE(found.error().is(Errc::plugin_rejected));
  EXPECT_EQ(found.error().text, "transport plugin " + file.string() +
                                    ": does not implement scheme 'other', only: fake, twin, "
                                    "family+*");
}

TEST(PluginRejection, CoversAFileThatIsWritableByEveryone) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_fake.so");
  ASSERT_EQ(chmod(file.c_str(), 0777), 0);

  EXPECT_THAT(rejection(directory.options()), HasSubstr("the file is writable by everyone"));
  EXPECT_TRUE(PluginRegistry(directory.options()).add_plugin(file).has_value());
}

TEST(PluginRejection, CoversADirectoryThatIsWritableByEveryone) {
  const PluginDirectory directory;
  const auto file = directory.install("fake_none", "trestle_fake.so");
  ASSERT_EQ(chmod(directory.path().c_str(), 0777), 0);

  EXPECT_THAT(rejection(directory.options()), HasSubstr("is writable by everyone"));
  EXPECT_TRUE(PluginRegistry(directory.options()).add_plugin(file).has_value());
}

TEST(PluginRejection, CoversAnOwnerWhomAnElevatedProcessDoesNotTrust) {
  const PluginDirectory directory;
  directory.install("fake_none", "trestle_fake.so");
  SearchOptions options = directory.options();
  options.privilege = Privilege::elevated;

  EXPECT_THAT(rejection(options), HasSubstr("does not trust"));
}

TEST(PluginRejection, CoversRelativePaths) {
  const PluginDirectory directory;
  SearchOptions options = directory.options();
  options.path_variable = directory.path().string() + ":plugins";

  const auto added = PluginRegistry(directory.options()).add_plugin("plugins/mine.so");

  EXPECT_THAT(rejection(options), HasSubstr("TRESTLE_PLUGIN_PATH names 'plugins'"));
  ASSERT_TRUE(added.has_error());
  EXPECT_TRUE(added.error().is(Errc::plugin_rejected));
  EXPECT_EQ(added.error().text,
            "transport plugin plugins/mine.so: the path of an added plugin must be absolute");
}

TEST(PluginRejection, EndsTheSearch) {
  const PluginDirectory first;
  const PluginDirectory second;
  first.write("trestle_fake.so", "not a plugin");
  second.install("fake_none", "trestle_fake.so");
  SearchOptions options = first.options();
  options.install_directory = second.path();

  EXPECT_THAT(rejection(options), HasSubstr(first.path().string()));
}

TEST(PluginRejection, CoversALinkThatLeadsNowhere) {
  const PluginDirectory directory;
  const PluginDirectory second;
  std::filesystem::create_symlink("gone.so", directory.path() / "trestle_fake.so");
  second.install("fake_none", "trestle_fake.so");
  SearchOptions options = directory.options();
  options.install_directory = second.path();

  EXPECT_THAT(rejection(options), HasSubstr("cannot be resolved: No such file"));
}

}  // namespace
}  // namespace trestle::plugin_loading
