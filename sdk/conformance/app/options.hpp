// The command line of trestle-conformance.
#pragma once

#include <trestle/conformance/check.hpp>

#include <chrono>
#include <string>

#include "name_filter.hpp"

namespace trestle::conformance {

enum class Format { human, tap, json };

struct Options {
  Subject subject;
  std::string filter;  ///< as it was given
  NameFilter names{""};
  Format format = Format::human;
  unsigned jobs = 1;
  std::chrono::seconds timeout{60};  ///< for one check
  enum class Task { run, list } task = Task::run;
};

/// How the program ends when it does not run the checks.
struct Ending {
  int exit_code;
};

inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

/// Errors: throws Ending, once it has printed what is wrong, or the help that was asked for.
Options parse_options(int argc, char** argv);

}  // namespace trestle::conformance
