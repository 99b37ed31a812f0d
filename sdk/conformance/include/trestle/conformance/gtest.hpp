// Runs the conformance checks under GoogleTest: one test for each check.
#pragma once

#include <gtest/gtest.h>
#include <trestle/conformance/check.hpp>

#include <string>
#include <utility>

namespace trestle::conformance {

/// One check as a test. instantiate() makes them.
class CheckTest : public ::testing::Test {
 public:
  /// Lifetime of `check`: longer, as those of all_checks().
  CheckTest(const Check& check, Subject subject) : check_(check), subject_(std::move(subject)) {}

  /// Runs it.
  void TestBody() override {
    const Outcome outcome = run(check_, subject_);
    if (outcome.verdict == Verdict::skip) GTEST_SKIP() << outcome.text;
    if (outcome.verdict == Verdict::fail) ADD_FAILURE() << outcome.text;
  }

 private:
  const Check& check_;
  const Subject subject_;
};

/// Registers every check as a test of `suite`. Call it once per scheme, from the initialiser of a
/// namespace-scope constant in the test's source file. `choose`: which ones; null: all.
inline bool instantiate(const std::string& suite, const Subject& subject,
                        bool (*choose)(const Check&) = nullptr) {
  for (const Check& check : all_checks()) {
    if (choose != nullptr && !choose(check)) continue;
    ::testing::RegisterTest(
        suite.c_str(), check.name, nullptr, nullptr, __FILE__, __LINE__,
        [&check, subject]() -> ::testing::Test* { return new CheckTest(check, subject); });
  }
  return true;
}

}  // namespace trestle::conformance
