// trestle fabrics: which networks the plugins find on this machine, and why others are of no use.
#include "child_process.hpp"
#include "output.hpp"
#include "verbs.hpp"

#include <trestle/plugins.hpp>

#include <boost/describe/class.hpp>

#include <memory>
#include <string>
#include <vector>

namespace trestle::tools {
namespace {

/// Providers look at all devices, which takes its time.
constexpr auto report_timeout = std::chrono::seconds(30);

/// One thing that a plugin found or missed, as it says it.
struct Fabric {
  std::string name;
  std::string uri;
  std::string reason;
  std::vector<std::string> places;
};
BOOST_DESCRIBE_STRUCT(Fabric, (), (name, uri, reason, places))

struct FabricReport {
  std::string file;
  std::string error;  ///< why there are no fabrics
  std::vector<Fabric> fabrics;
};
BOOST_DESCRIBE_STRUCT(FabricReport, (), (file, error, fabrics))

FabricReport look_around(const PluginFile& file) {
  FabricReport report{file.path.string(), "", {}};
  const auto said = report_of_plugin(file);
  if (said.has_error()) {
    report.error = said.error().text;
  } else if (!said->empty()) {
    auto fabrics = decode<std::vector<Fabric>>(Codec::json, as_bytes(*said));
    if (fabrics.has_error()) {
      report.error = "its report is not what tt.report/0 asks for: " + fabrics.error().text;
    } else {
      report.fabrics = std::move(*fabrics);
    }
  }
  return report;
}

/// In a child process: whatever the plugin does, the list goes on.
FabricReport look_around_apart(const PluginFile& file) {
  const auto sent = run_in_child([&] { return to_json(look_around(file)); }, report_timeout);
  auto report = sent.has_value() ? decode<FabricReport>(Codec::json, as_bytes(*sent))
                                 : Result<FabricReport>(sent.error());
  if (report.has_value()) return *report;
  return {file.path.string(), "asking it " + report.error().text, {}};
}

void print(const FabricReport& report) {
  print_line(report.file);
  if (!report.error.empty()) print_line("  " + report.error);
  for (const Fabric& fabric : report.fabrics) {
    if (!fabric.reason.empty()) {
      print_line("  no   " + fabric.name + ": " + fabric.reason);
      continue;
    }
    print_line("  yes  " + fabric.uri);
    for (const std::string& place : fabric.places) print_line("         " + place);
  }
}

ExitCode list_fabrics(OutputFormat format) {
  const auto files = list_plugin_files();
  if (files.has_error()) return report(files.error(), format);
  std::vector<FabricReport> reports;
  for (const PluginFile& file : *files) {
    if (!file.hidden_by.empty()) continue;
    FabricReport found = look_around_apart(file);
    // Most plugins have nothing to say, and those that are refused are the affair of `plugins`.
    if (found.fabrics.empty()) continue;
    if (format == OutputFormat::text) print(found);
    reports.push_back(std::move(found));
  }
  if (format == OutputFormat::json) {
    print_line(to_json(reports));
  } else if (reports.empty()) {
    print_line("no plugin says what it finds on this machine; 'trestle plugins' shows them");
  }
  return ExitCode::success;
}

constexpr const char* fabrics_footer =
    "Asks each plugin that has such a report, in a process of its own. 'yes' begins a URI that "
    "can\n"
    "be used here, with the devices and addresses behind it; 'no' says what is missing.\n"
    "Exit codes: 0 also if nothing can be used, 2 usage or a bad TRESTLE_PLUGIN_PATH.\n"
    "Examples:\n"
    "  trestle fabrics\n"
    "  trestle fabrics --json | jq -r '.[].fabrics[] | select(.reason == \"\") | .uri'\n";

}  // namespace

void add_fabrics(CLI::App& app, ExitCode& outcome) {
  auto format = std::make_shared<OutputFormat>(OutputFormat::text);
  CLI::App* verb = app.add_subcommand(
      "fabrics", "Show which networks plugins find on this machine, and why others are of no use");
  verb->add_flag_callback(
      "--json", [format] { *format = OutputFormat::json; }, "One JSON array of objects");
  verb->footer(fabrics_footer);
  verb->callback([format, &outcome] { outcome = list_fabrics(*format); });
}

}  // namespace trestle::tools
