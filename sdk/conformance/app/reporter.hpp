// What trestle-conformance prints: for people, as TAP, or as JSON.
#pragma once

#include <trestle/conformance/round_trips.hpp>

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

/// What is known when all checks have run.
struct Summary {
  const std::vector<Report>& reports;
  const std::vector<RoundTrips>& round_trips;  ///< none if only some checks were asked for
  std::chrono::milliseconds took;
};

class Reporter {
 public:
  virtual ~Reporter() = default;
  virtual void begin(const Options& options, std::size_t checks) = 0;
  virtual void add(const Report& report) = 0;
  virtual void end(const Options& options, const Summary& summary) = 0;
};

/// Prints to standard output.
std::unique_ptr<Reporter> make_reporter(Format format);

}  // namespace trestle::conformance
