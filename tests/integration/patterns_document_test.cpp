// docs/patterns.md says how messages fail as they do: code, whether the handler ran, and text.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <fstream>
#include <regex>
#include <set>
#include <stdexcept>

#include "trestle/test_support/two_nodes.hpp"

namespace trestle {
namespace {

/// The lines of the table of failures.
std::vector<std::string> documented_failures() {
  std::ifstream file(TRESTLE_PATTERNS_MD);
  std::string line;
  while (std::getline(file, line) && !line.starts_with("| failure | `Errc` |")) {
  }
  std::getline(file, line);  // the ruler
  std::vector<std::string> rows;
  while (std::getline(file, line) && line.starts_with('|')) rows.push_back(line);
  return rows;
}

class PatternsDocument : public test_support::TwoNodes {
 protected:
  void serve(Handler handler) {
    static_cast<void>(server.remove("NAME"));
    server.add(std::move(handler)).value();
  }
  /// Looks for a row with the error's code, whether the handler ran, and the text or part of it.
  /// Handlers are called NAME, as in the document.
  void expect_documented(const Error& error, std::string_view part = {}) {
    const std::string_view text = part.empty() ? std::string_view(error.text) : part;
    EXPECT_THAT(error.text, ::testing::HasSubstr(std::string(text)));
    const std::string code = '`' + std::string(to_string(static_cast<Errc>(error.code.value())));
    const std::string ran = error.ran == Ran::no ? "| no |" : "| yes |";
    for (const std::string& row : documented_failures()) {
      const auto has = [&row](std::string_view what) { return row.find(what) != row.npos; };
      if (has(code + '`') && has(ran) && has('`' + std::string(text))) return;
    }
    ADD_FAILURE() << "no row for " << error << ", text " << text;
  }
};

TEST_F(PatternsDocument, NamesOnlyCodesThatExist) {
  std::set<std::string> known;
  for (int code = 1; code < 100; ++code) known.emplace(to_string(static_cast<Errc>(code)));
  const auto rows = documented_failures();
  ASSERT_GT(rows.size(), 15u);

  for (const std::string& row : rows) {
    const auto begin = row.find('|', 1);
    const std::string cell = row.substr(begin, row.find('|', begin + 1) - begin);
    const std::regex name("`([a-z_]+)`");
    for (std::sregex_iterator at(cell.begin(), cell.end(), name), end; at != end; ++at) {
      EXPECT_TRUE(known.contains((*at)[1])) << row;
    }
  }
}

TEST_F(PatternsDocument, SaysWhatIsRefusedHere) {
  expect_documented(client.message("NAME").execute().error());
  expect_documented(peer.send("").error());

  client.close().value();
  expect_documented(peer.call<int>("NAME").error(), "this node was closed");
}

TEST_F(PatternsDocument, SaysWhatThePeerRefuses) {
  expect_documented(peer.call<int>("NAME").error());

  serve(ack("NAME", [](int) {}));
  expect_documented(peer.call<int>("NAME").error());
  expect_documented(peer.confirm("NAME", std::string("text")).error());
}

TEST_F(PatternsDocument, SaysWhyThereIsNoReceipt) {
  const auto message = peer.message("NAME").payload(1).detach_receipt();

  serve(am("NAME", [](int) {}));
  const auto none = message.expect_bytes_response().send_with_response().value().await_delivery();
  expect_documented(none.error());

  serve(unary("NAME", [](int value) { return value / 2.0; }));
  auto wrong = message.expect_typed_response<std::string>().send_with_response().value();
  expect_documented(std::move(wrong).await_delivery().error());
}

TEST_F(PatternsDocument, SaysHowHandlersFail) {
  serve(unary("NAME", []() -> int { throw std::runtime_error("broken"); }));
  expect_documented(peer.call<int>("NAME").error(), "NAME threw: ");

  serve(unary("NAME", [] {}));
  expect_documented(peer.call<int>("NAME").error());

  serve(unary("NAME", [](Reply<int>) {}));
  expect_documented(peer.call<int>("NAME").error());
}

}  // namespace
}  // namespace trestle
