// docs/operating.md quotes the log lines as the sources write them.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

namespace trestle {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// What stands in backquotes at the start of the rows of the table of log lines.
std::set<std::string> documented_lines() {
  std::istringstream document(text_of(TRESTLE_OPERATING_MD));
  std::string line;
  while (std::getline(document, line) && !line.starts_with("| log line |")) {
  }
  std::getline(document, line);  // the ruler
  std::set<std::string> lines;
  while (std::getline(document, line) && line.starts_with("| `")) {
    lines.insert(line.substr(3, line.find('`', 3) - 3));
  }
  return lines;
}

std::string sources() {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TRESTLE_CORE_SRC)) {
    if (entry.path().extension() == ".cpp") all += text_of(entry.path());
  }
  return all;
}

TEST(OperatingDocument, QuotesOnlyLinesThatAreLogged) {
  const std::string code = sources();
  const auto lines = documented_lines();
  EXPECT_GE(lines.size(), 10u);
  for (const std::string& line : lines) {
    EXPECT_NE(code.find(line), std::string::npos) << "no source logs '" << line << "'";
  }
}

}  // namespace
}  // namespace trestle
