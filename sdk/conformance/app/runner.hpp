// Runs checks, each in a process of its own.
#pragma once

#include <trestle/conformance/check.hpp>

#include <chrono>
#include <functional>
#include <vector>

namespace trestle::conformance {

/// How one check went.
struct Report {
  const Check* check = nullptr;
  Outcome outcome;
  std::chrono::milliseconds took{0};
};

struct RunOptions {
  Subject subject;
  unsigned jobs = 1;
  std::chrono::seconds timeout{60};  ///< for one check; then its process is killed
};

/// Reports in the order of `checks`; `on_report` gets them in that order, too, each as soon as it
/// and those before it are there. Checks that want no company run alone, at the end.
/// Threads: one; no other may run in this process.
std::vector<Report> run_all(const std::vector<const Check*>& checks, const RunOptions& options,
                            const std::function<void(const Report&)>& on_report);

}  // namespace trestle::conformance
