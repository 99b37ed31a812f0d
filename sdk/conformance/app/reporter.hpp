// What trestle-conformance prints: for people, as TAP, or as JSON.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "options.hpp"
#include "runner.hpp"

namespace trestle::conformance {

struct Counts {
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::size_t skipped = 0;
};

Counts count(const std::vector<Report>& reports);

class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void begin(const Options& options, std::size_t checks) = 0;
  virtual void add(const Report& report) = 0;
  virtual void end(const Options& options, const std::vector<Report>& reports,
                   std::chrono::milliseconds took) = 0;
};

/// Prints to standard output.
std::unique_ptr<Reporter> make_reporter(Format format);

}  // namespace trestle::conformance
