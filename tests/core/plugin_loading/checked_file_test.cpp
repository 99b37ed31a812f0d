// The rules for a plugin file before it is loaded, and the proof that it is the one loaded.
#include "plugin_loading/checked_file.hpp"

#include "plugin_directory.hpp"
#include "plugin_loading/plugin_object.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace trestle::plugin_loading {
namespace {

using testing::HasSubstr;

class CheckedFileTest : public testing::Test {
 protected:
  /// The text of the refusal; empty if the file is accepted.
  std::string refusal(const std::filesystem::path& file, SearchRule rule) const {
    const auto checked = CheckedFile::open(file, rule, options_);
    if (checked.has_value()) return {};
    EXPECT_TRUE(checked.error().is(Errc::plugin_rejected));
    EXPECT_THAT(checked.error().text, HasSubstr(file.string()));
    return checked.error().text;
  }

  PluginDirectory directory_;
  SearchOptions options_ = directory_.options();
};

TEST_F(CheckedFileTest, MayBeAnOrdinaryFile) {
  EXPECT_EQ(refusal(directory_.write("a.so", "x"), SearchRule::beside_core), "");
}

TEST_F(CheckedFileTest, MustExist) {
  EXPECT_THAT(refusal(directory_.path() / "a.so", SearchRule::added), HasSubstr("No such file"));
}

TEST_F(CheckedFileTest, MustBeARegularFile) {
  const auto folder = directory_.path() / "folder.so";
  const auto fifo = directory_.path() / "fifo.so";
  std::filesystem::create_directory(folder);
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);

  EXPECT_THAT(refusal(folder, SearchRule::beside_core), HasSubstr("is not a regular file"));
  EXPECT_THAT(refusal(fifo, SearchRule::beside_core), HasSubstr("is not a regular file"));
}

TEST_F(CheckedFileTest, MustNotBeWritableByEveryone) {
  const auto file = directory_.write("a.so", "x");
  ASSERT_EQ(chmod(file.c_str(), 0777), 0);

  EXPECT_THAT(refusal(file, SearchRule::path_variable),
              HasSubstr("the file is writable by everyone"));
  EXPECT_EQ(refusal(file, SearchRule::added), "") << "the program's own choice";
}

TEST_F(CheckedFileTest, MustNotLieInADirectoryThatIsWritableByEveryone) {
  const auto file = directory_.write("a.so", "x");

  for (const mode_t mode : {mode_t{0777}, mode_t{01777}}) {
    ASSERT_EQ(chmod(directory_.path().c_str(), mode), 0);

    EXPECT_THAT(
        refusal(file, SearchRule::install_directory),
        HasSubstr("its directory " + directory_.path().string() + " is writable by everyone"));
    EXPECT_EQ(refusal(file, SearchRule::added), "") << "the program's own choice";
  }
}

TEST_F(CheckedFileTest, MustNotBeALinkIntoADirectoryThatIsWritableByEveryone) {
  const PluginDirectory open_to_all;
  const auto link = directory_.path() / "a.so";
  std::filesystem::create_symlink(open_to_all.write("b.so", "x"), link);
  ASSERT_EQ(refusal(link, SearchRule::beside_core), "");
  ASSERT_EQ(chmod(open_to_all.path().c_str(), 0777), 0);

  EXPECT_THAT(refusal(link, SearchRule::beside_core), HasSubstr(open_to_all.path().string()));
}

TEST_F(CheckedFileTest, MustBelongToATrustedUserInAnElevatedProcess) {
  const auto file = directory_.write("a.so", "x");
  options_.privilege = Privilege::elevated;
  options_.trusted_owners = {geteuid()};
  ASSERT_EQ(refusal(file, SearchRule::beside_core), "");

  options_.trusted_owners = {geteuid() + 1};
  EXPECT_THAT(refusal(file, SearchRule::beside_core),
              HasSubstr("belongs to user " + std::to_string(geteuid())));

  options_.privilege = Privilege::ordinary;
  EXPECT_EQ(refusal(file, SearchRule::beside_core), "") << "ownership matters only when elevated";
}

TEST_F(CheckedFileTest, IsNotTheOneLoadedWhenItWasReplacedInBetween) {
  const auto path = directory_.install("fake_none", "trestle_fake.so");
  const auto checked = CheckedFile::open(path, SearchRule::beside_core, options_);
  ASSERT_TRUE(checked.has_value());
  std::filesystem::rename(directory_.install("fake_none", "other.so"), path);

  const auto loaded = open_plugin(*checked);

  ASSERT_TRUE(loaded.has_error());
  EXPECT_TRUE(loaded.error().is(Errc::plugin_rejected));
  EXPECT_THAT(loaded.error().text, HasSubstr("was replaced after it was checked"));
}

TEST_F(CheckedFileTest, IsTheOneLoadedWhenNothingHappenedInBetween) {
  const auto path = directory_.install("fake_none", "trestle_fake.so");
  const auto checked = CheckedFile::open(path, SearchRule::beside_core, options_);
  ASSERT_TRUE(checked.has_value());

  EXPECT_TRUE(open_plugin(*checked).has_value());
}

}  // namespace
}  // namespace trestle::plugin_loading
