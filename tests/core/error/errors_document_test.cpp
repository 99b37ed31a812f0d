// docs/errors.md lists every code and every answer to "did it run", and no others.
#include <gtest/gtest.h>
#include <trestle/error.hpp>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace trestle {
namespace {

using Row = std::vector<std::string>;

/// The cells of a table row, without the blanks around them.
Row cells_of(const std::string& line) {
  Row cells;
  std::istringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) {
    const auto first = cell.find_first_not_of(' ');
    const auto last = cell.find_last_not_of(' ');
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
  }
  return cells;
}

/// The rows of the table below the line that starts with `head`.
std::vector<Row> documented_rows(const std::string& head) {
  std::ifstream file(TRESTLE_ERRORS_MD);
  std::string line;
  while (std::getline(file, line) && !line.starts_with(head)) {
  }
  std::getline(file, line);  // the ruler
  std::vector<Row> rows;
  while (std::getline(file, line) && line.starts_with('|')) rows.push_back(cells_of(line));
  return rows;
}

TEST(ErrorsDocument, ListsEachCodeWithItsSentenceAndNoOther) {
  std::set<Row> codes;
  for (int value = 0; value <= 0xFFFF; ++value) {
    const auto code = static_cast<Errc>(value);
    if (to_string(code) == "unknown") continue;
    codes.insert({std::to_string(value), '`' + std::string(to_string(code)) + '`',
                  make_error_code(code).message()});
  }

  std::set<Row> documented;
  const auto rows = documented_rows("| number | name |");
  for (const Row& row : rows) {
    ASSERT_EQ(row.size(), 5u) << "number, name, meaning, likely cause, what to do: " << row.front();
    EXPECT_FALSE(row[3].empty()) << row[1];
    documented.insert({row[0], row[1], row[2]});
  }

  EXPECT_EQ(documented, codes);
  EXPECT_EQ(rows.size(), codes.size()) << "a code is there twice";
}

TEST(ErrorsDocument, ListsWhetherTheHandlerRanAsItIsPrinted) {
  const std::map<std::string, std::string> words{{"`no`", std::string(to_string(Ran::no))},
                                                 {"`maybe`", std::string(to_string(Ran::maybe))},
                                                 {"`yes`", std::string(to_string(Ran::yes))}};

  std::map<std::string, std::string> documented;
  for (const Row& row : documented_rows("| `ran` |")) documented[row.at(0)] = row.at(1);

  EXPECT_EQ(documented, words);
}

}  // namespace
}  // namespace trestle
