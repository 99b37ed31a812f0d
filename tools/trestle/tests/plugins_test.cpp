// trestle plugins: every file is shown, whatever it does when it is loaded.
#include "tool_process.hpp"

#include <trestle/codec.hpp>

#include <gmock/gmock.h>
#include <boost/describe/class.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace trestle::tools {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

struct Scheme {
  std::string name;
  std::string reach;
};
BOOST_DESCRIBE_STRUCT(Scheme, (), (name, reach))

/// What these tests read of the verb's JSON.
struct Report {
  std::string file;
  std::string verdict;
  std::string reason;
  std::string version;
  std::string abi;
  std::vector<Scheme> schemes;
};
BOOST_DESCRIBE_STRUCT(Report, (), (file, verdict, reason, version, abi, schemes))

/// A directory of plugin files that comes before the built ones.
class Plugins : public testing::Test {
 protected:
  Plugins() {
    std::string pattern = (fs::temp_directory_path() / "trestle-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory " + pattern);
    directory_ = fs::canonical(pattern);
  }
  ~Plugins() override { fs::remove_all(directory_); }

  Ended run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "plugins");
    const std::string path = directory_.string() + ":<default>";
    return ToolProcess(arguments, {{"TRESTLE_PLUGIN_PATH", path}}).wait();
  }

  Report report_of(const std::string& file_name) {
    const auto ended = run({"--json"});
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    const auto reports = decode<std::vector<Report>>(Codec::json, as_bytes(ended.out)).value();
    const auto found = std::find_if(reports.begin(), reports.end(), [&](const Report& report) {
      return fs::path(report.file).filename() == file_name;
    });
    return found == reports.end() ? Report{} : *found;
  }

  fs::path directory_;
};

TEST_F(Plugins, ShowsTheBuiltOnes) {
  const auto ended = run({});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("trestle_tcp.so\n  chosen: directory beside core\n"),
                               HasSubstr("schemes (reach): tcp (network)"),
                               HasSubstr("schemes (reach): unix (host)"),
                               HasSubstr("schemes (reach): inproc (process)")));
}

TEST_F(Plugins, DescribesThemAsJson) {
  const auto report = report_of("trestle_inproc.so");

  EXPECT_EQ(report.verdict, "chosen");
  EXPECT_EQ(report.abi, "0.12");
  EXPECT_FALSE(report.version.empty());
  ASSERT_EQ(report.schemes.size(), 1u);
  EXPECT_EQ(report.schemes[0].name, "inproc");
  EXPECT_EQ(report.schemes[0].reach, "process");
}

TEST_F(Plugins, SurvivesOneThatCrashes) {
  fs::copy_file(CRASHING_PLUGIN, directory_ / "trestle_crashing.so");

  const auto report = report_of("trestle_crashing.so");

  EXPECT_EQ(report.verdict, "refused");
  EXPECT_THAT(report.reason, HasSubstr("crashed with signal 9"));
  EXPECT_EQ(report_of("trestle_tcp.so").verdict, "chosen");
}

TEST_F(Plugins, SaysWhyAFileIsRefused) {
  std::ofstream(directory_ / "trestle_text.so") << "not a shared object";

  const auto report = report_of("trestle_text.so");

  EXPECT_EQ(report.verdict, "refused");
  EXPECT_THAT(report.reason, HasSubstr((directory_ / "trestle_text.so").string()));
}

TEST_F(Plugins, SaysWhatHidesAFile) {
  std::ofstream(directory_ / "trestle_tcp.so") << "in the way";

  const auto ended = run({});

  EXPECT_THAT(ended.out, HasSubstr("hidden: directory beside core; the search ends at " +
                                   (directory_ / "trestle_tcp.so").string()));
}

TEST_F(Plugins, RefusesARelativeSearchDirectory) {
  const auto ended = ToolProcess({"plugins"}, {{"TRESTLE_PLUGIN_PATH", "lib"}}).wait();

  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_THAT(ended.err, HasSubstr("directories must be absolute"));
}

}  // namespace
}  // namespace trestle::tools
