// trestle new-transport: what it writes, and what it refuses. tests/packaging builds the result.
#include "tool_process.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace trestle::tools {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class NewTransport : public testing::Test {
 protected:
  NewTransport() {
    std::string pattern = (fs::temp_directory_path() / "trestle-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory " + pattern);
    directory_ = pattern;
  }
  ~NewTransport() override { fs::remove_all(directory_); }

  static std::string read(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  void expect_refused(const Ended& ended, const std::string& text) {
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, AllOf(HasSubstr("trestle new-transport: "), HasSubstr(text)));
  }

  fs::path directory_;
};

TEST_F(NewTransport, WritesTheTemplateUnderItsNewName) {
  const fs::path target = directory_ / "some" / "where";

  const auto ended = run_tool({"new-transport", "owl2", target.string()});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(target)) names.insert(entry.path().filename());
  EXPECT_EQ(names, (std::set<std::string>{"CMakeLists.txt", "README.md", "owl2_transport.cpp"}));
  EXPECT_THAT(read(target / "CMakeLists.txt"), HasSubstr("NAME owl2 SOURCES owl2_transport.cpp"));
  EXPECT_THAT(read(target / "owl2_transport.cpp"),
              AllOf(HasSubstr("class Owl2Transport"), HasSubstr("owl2://@name")));
  EXPECT_THAT(read(target / "README.md"), HasSubstr("--scheme owl2"));
  for (const std::string& name : names) {
    EXPECT_THAT(read(target / name), Not(AnyOf(HasSubstr("mine"), HasSubstr("Mine")))) << name;
    EXPECT_THAT(ended.out, HasSubstr("wrote " + (target / name).string()));
  }
}

TEST_F(NewTransport, IsUnder200Lines) {
  const fs::path target = directory_ / "new";

  run_tool({"new-transport", "owl", target.string()});

  const std::string source = read(target / "owl_transport.cpp");
  const auto lines = std::count(source.begin(), source.end(), '\n');
  EXPECT_GT(lines, 100);
  EXPECT_LT(lines, 200);
}

TEST_F(NewTransport, TakesAnEmptyDirectory) {
  const auto ended = run_tool({"new-transport", "owl", directory_.string()});

  EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

TEST_F(NewTransport, RefusesADirectoryThatIsNotEmpty) {
  std::ofstream(directory_ / "CMakeLists.txt") << "precious";

  const auto ended = run_tool({"new-transport", "owl", directory_.string()});

  expect_refused(ended, directory_.string() + " is not empty");
  EXPECT_EQ(read(directory_ / "CMakeLists.txt"), "precious");
}

TEST_F(NewTransport, RefusesAFileInItsPlace) {
  std::ofstream(directory_ / "file") << "precious";

  const auto ended = run_tool({"new-transport", "owl", (directory_ / "file").string()});

  expect_refused(ended, "exists and is no directory");
}

TEST_F(NewTransport, RefusesBadNames) {
  const std::string long_name(33, 'x');
  for (const std::string& name : {std::string(), std::string("2owls"), std::string("Owl"),
                                  std::string("owl-2"), std::string("owl/.."), long_name}) {
    const auto ended = run_tool({"new-transport", name, (directory_ / "new").string()});

    expect_refused(ended, "'" + name + "' is no name for a transport");
    EXPECT_FALSE(fs::exists(directory_ / "new"));
  }
}

TEST_F(NewTransport, RefusesTheNameOfATransportThatIsThere) {
  const auto ended = run_tool({"new-transport", "tcp", (directory_ / "new").string()});

  expect_refused(ended, "there is a transport 'tcp' already");
}

TEST_F(NewTransport, SaysWhereItCannotWrite) {
  std::ofstream(directory_ / "file") << "precious";

  const auto ended = run_tool({"new-transport", "owl", (directory_ / "file" / "below").string()});

  expect_refused(ended, "cannot make " + (directory_ / "file" / "below").string());
}

}  // namespace
}  // namespace trestle::tools
