// The three formats.
#include "reporter.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>
#include <utility>

namespace trestle::conformance {
namespace {

std::string seconds(std::chrono::milliseconds took) {
  const auto tenths = (took.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string microseconds(std::chrono::nanoseconds time) {
  const auto tenths = (time.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " us";
}

/// For information: no check depends on it.
std::string sentence(const RoundTrips& each) {
  return "round trip of " + std::to_string(each.packet_bytes) +
         " bytes: " + microseconds(each.median) + ", one in a hundred above " +
         microseconds(each.slowest) + " (" + std::to_string(each.count) + " of them, one thread)";
}

/// `text` with every further line indented, so that it stays in its column.
std::string indented(const std::string& text, const std::string& by) {
  std::string result;
  for (const char letter : text) {
    result += letter;
    if (letter == '\n') result += by;
  }
  return result;
}

class HumanReporter : public Reporter {
 public:
  void begin(const Options& options, std::size_t checks) override {
    const Subject& subject = options.subject;
    std::cout << subject.plugin_path << ": " << checks << " checks of " << subject.scheme
              << "://, listening on " << subject.listen_uri << ", seed " << subject.seed
              << std::endl;
  }

  void add(const Report& report) override {
    static constexpr const char* words[] = {"pass", "FAIL", "skip"};
    std::string name = report.check->name;
    name.resize(std::max<std::size_t>(name.size(), 52), ' ');
    std::cout << "  " << words[static_cast<int>(report.outcome.verdict)] << "  " << name << ' '
              << report.took.count() << " ms" << std::endl;
  }

  void end(const Options& options, const Summary& summary) override {
    const Counts counts = count(summary.reports);
    for (const Report& report : summary.reports) {
      if (report.outcome.verdict == Verdict::fail) explain(options, report);
    }
    if (counts.skipped > 0) std::cout << "\nSkipped:\n";
    for (const Report& report : summary.reports) {
      if (report.outcome.verdict != Verdict::skip) continue;
      std::cout << "  " << report.check->name << ": " << report.outcome.text << '\n';
    }
    if (!summary.round_trips.empty()) std::cout << '\n';
    for (const RoundTrips& each : summary.round_trips) std::cout << sentence(each) << '\n';
    std::cout << '\n'
              << counts.passed << " passed, " << counts.failed << " failed, " << counts.skipped
              << " skipped in " << seconds(summary.took) << std::endl;
  }

 private:
  static void explain(const Options& options, const Report& report) {
    const std::string gap(14, ' ');
    const Subject& subject = options.subject;
    std::cout << "\nFailed: " << report.check->name << '\n'
              << "  expected    " << indented(report.outcome.expected, gap) << '\n'
              << "  happened    " << indented(report.outcome.happened, gap) << '\n'
              << "  says        " << report.outcome.reference << '\n'
              << "  run again   trestle-conformance " << subject.plugin_path << " --scheme "
              << subject.scheme << " --listen '" << subject.listen_uri << "' --seed "
              << subject.seed << more_options(subject) << " --filter '^" << report.check->name
              << "$'\n";
  }

  static std::string more_options(const Subject& subject) {
    std::string options;
    for (const std::string& uri : subject.bad_uris) options += " --bad-uri '" + uri + '\'';
    if (subject.library_buffer_bytes_max != Subject{}.library_buffer_bytes_max) {
      options += " --library-buffer " + std::to_string(subject.library_buffer_bytes_max);
    }
    return options;
  }
};

class TapReporter : public Reporter {
 public:
  void begin(const Options& options, std::size_t checks) override {
    std::cout << "TAP version 13\n1.." << checks << "\n# seed " << options.subject.seed
              << std::endl;
  }

  void add(const Report& report) override {
    const Outcome& outcome = report.outcome;
    std::cout << (outcome.verdict == Verdict::fail ? "not ok " : "ok ") << ++number_ << " - "
              << report.check->name;
    if (outcome.verdict == Verdict::skip) std::cout << " # SKIP " << one_line(outcome.text);
    std::cout << '\n';
    if (outcome.verdict == Verdict::fail) {
      std::cout << "  ---\n";
      explain("expected", outcome.expected);
      explain("happened", outcome.happened);
      explain("reference", report.outcome.reference);
      std::cout << "  milliseconds: " << report.took.count() << "\n  ...\n";
    }
    std::cout << std::flush;
  }

  void end(const Options&, const Summary& summary) override {
    const Counts counts = count(summary.reports);
    for (const RoundTrips& each : summary.round_trips) std::cout << "# " << sentence(each) << '\n';
    std::cout << "# passed " << counts.passed << ", failed " << counts.failed << ", skipped "
              << counts.skipped << ", milliseconds " << summary.took.count() << std::endl;
  }

 private:
  static std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }
  static void explain(const char* key, const std::string& text) {
    std::cout << "  " << key << ": |\n    " << indented(text, "    ") << '\n';
  }

  std::size_t number_ = 0;
};

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') {
      result += std::string("\\") + letter;
    } else if (code < 0x20 || code >= 0x7F) {
      // What is not ASCII comes from a plugin's text: shown byte by byte, so that it always parses.
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(code));
      result += escape;
    } else {
      result += letter;
    }
  }
  return result + '"';
}

class JsonReporter : public Reporter {
 public:
  void begin(const Options&, std::size_t) override {}
  void add(const Report&) override {}

  void end(const Options& options, const Summary& summary) override {
    const Subject& subject = options.subject;
    const Counts counts = count(summary.reports);
    std::cout << "{\"plugin\": " << quoted(subject.plugin_path)
              << ", \"scheme\": " << quoted(subject.scheme)
              << ", \"listen_uri\": " << quoted(subject.listen_uri)
              << ", \"seed\": " << subject.seed << ", \"passed\": " << counts.passed
              << ", \"failed\": " << counts.failed << ", \"skipped\": " << counts.skipped
              << ", \"milliseconds\": " << summary.took.count() << ", \"round_trips\": [";
    const char* comma = "";
    for (const RoundTrips& each : summary.round_trips) {
      std::cout << std::exchange(comma, ", ");
      write(each);
    }
    std::cout << "], \"checks\": [";
    const char* separator = "\n  ";
    for (const Report& report : summary.reports) {
      std::cout << std::exchange(separator, ",\n  ");
      write(report);
    }
    std::cout << "\n]}" << std::endl;
  }

 private:
  static void write(const RoundTrips& each) {
    std::cout << "{\"packet_bytes\": " << each.packet_bytes << ", \"count\": " << each.count
              << ", \"median_ns\": " << each.median.count()
              << ", \"percentile_99_ns\": " << each.slowest.count() << '}';
  }

  static void write(const Report& report) {
    static constexpr const char* results[] = {"passed", "failed", "skipped"};
    const Outcome& outcome = report.outcome;
    std::cout << "{\"name\": " << quoted(report.check->name) << ", \"result\": \""
              << results[static_cast<int>(outcome.verdict)]
              << "\", \"milliseconds\": " << report.took.count()
              << ", \"expected\": " << quoted(outcome.expected)
              << ", \"happened\": " << quoted(outcome.happened) << ", \"reason\": "
              << quoted(outcome.verdict == Verdict::skip ? outcome.text : std::string())
              << ", \"reference\": " << quoted(report.outcome.reference) << '}';
  }
};

}  // namespace

Counts count(const std::vector<Report>& reports) {
  Counts counts;
  for (const Report& report : reports) {
    if (report.outcome.verdict == Verdict::pass) ++counts.passed;
    if (report.outcome.verdict == Verdict::fail) ++counts.failed;
    if (report.outcome.verdict == Verdict::skip) ++counts.skipped;
  }
  return counts;
}

std::unique_ptr<Reporter> make_reporter(Format format) {
  if (format == Format::tap) return std::make_unique<TapReporter>();
  if (format == Format::json) return std::make_unique<JsonReporter>();
  return std::make_unique<HumanReporter>();
}

}  // namespace trestle::conformance
