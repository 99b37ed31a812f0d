// How a check ends early: failed or skipped, with the text of the outcome.
#pragma once

#include <trestle/thin_transport.h>

#include <sstream>
#include <string>
#include <utility>

#include "rule.hpp"

namespace trestle::conformance {

/// Thrown inside a check only; run() turns it into an Outcome.
struct Failed {
  std::string text;            ///< "WHAT: expected THIS, got THAT"
  const Rule* rule = nullptr;  ///< that was broken; null for what the check itself looks at
};

struct Skipped {
  std::string text;
};

[[noreturn]] inline void fail(std::string text) {
  throw Failed{std::move(text)};
}

[[noreturn]] inline void fail(const Violation& broken) {
  throw Failed{"expected " + std::string(broken.rule->expected) + ", got " + broken.text,
               broken.rule};
}

inline void expect(bool holds, const std::string& expected_and_got) {
  if (!holds) fail(expected_and_got);
}

template <class Expected, class Got>
void expect_equal(const std::string& what, const Expected& expected, const Got& got) {
  if (expected == got) return;
  std::ostringstream text;
  text << what << ": expected " << expected << ", got " << got;
  fail(text.str());
}

/// "TT_E_CLOSED (-11)".
std::string name_of_status(tt_status status);

inline void expect_status(const std::string& what, tt_status expected, tt_status got) {
  if (expected == got) return;
  fail(what + ": expected " + name_of_status(expected) + ", got " + name_of_status(got));
}

}  // namespace trestle::conformance
