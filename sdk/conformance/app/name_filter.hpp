// Which checks to run: those whose name a regular expression is found in.
#pragma once

#include <regex.h>

#include <memory>
#include <string>

namespace trestle::conformance {

/// A POSIX extended expression. (<regex> of g++ 12 does not compile cleanly with sanitizers.)
class NameFilter {
 public:
  /// Errors: throws std::invalid_argument, with what is wrong with the expression.
  explicit NameFilter(const std::string& expression);

  bool fits(const char* name) const;

 private:
  std::shared_ptr<regex_t> compiled_;
};

}  // namespace trestle::conformance
