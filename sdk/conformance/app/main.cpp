// trestle-conformance: holds a transport plugin against the contract. Knows no core.
#include <trestle/conformance/round_trips.hpp>

#include <cstdint>
#include <exception>
#include <iostream>
#include <sstream>

#include "check_process.hpp"
#include "options.hpp"
#include "reporter.hpp"
#include "runner.hpp"

namespace {

using namespace trestle::conformance;

std::vector<const Check*> selected(const Options& options) {
  std::vector<const Check*> checks;
  for (const Check& check : all_checks()) {
    if (options.names.fits(check.name)) checks.push_back(&check);
  }
  return checks;
}

RunOptions run_options(const Options& options) {
  return {.subject = options.subject, .jobs = options.jobs, .timeout = options.timeout};
}

/// In a process of its own, which the plugin may end.
Outcome try_apart(const Options& options) {
  CheckProcess trial([&] { return try_to_listen(options.subject); });
  return trial.wait_for_outcome(options.timeout);
}

/// Settles where to listen. Errors: throws Ending.
void find_address(Options& options) {
  const std::string scheme = options.subject.scheme;
  std::vector<std::string> candidates = {scheme + "://*", scheme + "://127.0.0.1:0"};
  if (!options.subject.listen_uri.empty()) candidates = {options.subject.listen_uri};
  std::string reasons;
  for (const std::string& candidate : candidates) {
    options.subject.listen_uri = candidate;
    const Outcome outcome = try_apart(options);
    if (outcome.verdict != Verdict::fail) return;
    if (!outcome.text.starts_with("listen ")) {
      std::cerr << "trestle-conformance: " << options.subject.plugin_path << ": " << outcome.text
                << '\n';
      throw Ending{exit_usage};
    }
    reasons += "\n  " + candidate + ": " + outcome.text;
  }
  std::cerr << "trestle-conformance: " << options.subject.plugin_path
            << " listens nowhere. Tried:" << reasons
            << "\nGive a URI that has a fresh address each time with --listen\n";
  throw Ending{exit_usage};
}

/// In a process of its own, too; its text is how the figures come back.
std::vector<RoundTrips> measure_apart(const Options& options) {
  CheckProcess process([&] {
    std::ostringstream text;
    for (const RoundTrips& each : measure_round_trips(options.subject)) {
      text << each.packet_bytes << ' ' << each.count << ' ' << each.median.count() << ' '
           << each.slowest.count() << '\n';
    }
    return Outcome{Verdict::pass, text.str(), "", "", ""};
  });
  const Outcome outcome = process.wait_for_outcome(options.timeout);
  std::vector<RoundTrips> all;
  if (outcome.verdict != Verdict::pass) return all;
  std::istringstream text(outcome.text);
  RoundTrips each;
  std::int64_t median = 0;
  std::int64_t slowest = 0;
  while (text >> each.packet_bytes >> each.count >> median >> slowest) {
    each.median = std::chrono::nanoseconds(median);
    each.slowest = std::chrono::nanoseconds(slowest);
    all.push_back(each);
  }
  return all;
}

int run(Options options) {
  const auto start = std::chrono::steady_clock::now();
  const auto checks = selected(options);
  if (checks.empty()) {
    std::cerr << "trestle-conformance: --filter '" << options.filter
              << "' fits no check; --list shows their names\n";
    return exit_usage;
  }
  if (options.task == Options::Task::list) {
    for (const Check* check : checks) std::cout << check->name << '\n';
    return 0;
  }
  find_address(options);
  const auto reporter = make_reporter(options.format);
  reporter->begin(options, checks.size());
  const auto reports =
      run_all(checks, run_options(options), [&](const Report& report) { reporter->add(report); });
  std::vector<RoundTrips> round_trips;
  if (options.filter.empty()) round_trips = measure_apart(options);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  reporter->end(options, {reports, round_trips, took});
  return count(reports).failed == 0 ? 0 : exit_failed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse_options(argc, argv));
  } catch (const Ending& ending) {
    return ending.exit_code;
  } catch (const std::exception& error) {  // the machine is out of processes or descriptors
    std::cerr << "trestle-conformance: " << error.what() << '\n';
    return exit_usage;
  }
}
