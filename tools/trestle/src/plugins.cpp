// trestle plugins: which transport plugins a node would find, and why it takes them or not.
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

constexpr auto inspection_timeout = std::chrono::seconds(10);

struct SchemeReport {
  std::string name;
  std::string reach;
};
BOOST_DESCRIBE_STRUCT(SchemeReport, (), (name, reach))

/// What the verb says about one file, also what a child process sends to say it.
struct PluginReport {
  std::string file;
  std::string link_to;  ///< where a symbolic link leads
  std::string verdict;  ///< chosen, hidden or refused
  std::string reason;
  std::string plugin;
  std::string version;
  std::string vendor;
  std::string abi;
  std::vector<SchemeReport> schemes;
};
BOOST_DESCRIBE_STRUCT(PluginReport, (),
                      (file, link_to, verdict, reason, plugin, version, vendor, abi, schemes))

PluginReport found(const PluginFile& file) {
  PluginReport report;
  report.file = file.path.string();
  std::error_code no_link;
  report.link_to = std::filesystem::read_symlink(file.path, no_link).string();
  report.verdict = file.hidden_by.empty() ? "chosen" : "hidden";
  report.reason = file.hidden_by.empty()
                      ? file.found_by
                      : file.found_by + "; the search ends at " + file.hidden_by.string();
  return report;
}

void refuse(PluginReport& report, const std::string& why) {
  report.verdict = "refused";
  report.reason = why;
}

/// Runs the plugin's code.
PluginReport inspect(const PluginFile& file) {
  PluginReport report = found(file);
  const auto description = inspect_plugin(file);
  if (description.has_error()) {
    refuse(report, description.error().text);
    return report;
  }
  report.plugin = description->name;
  report.version = description->version;
  report.vendor = description->vendor;
  report.abi =
      std::to_string(description->abi_major) + '.' + std::to_string(description->abi_minor);
  for (const PluginScheme& scheme : description->schemes) {
    report.schemes.push_back({scheme.name, std::string(to_string(scheme.reach))});
  }
  return report;
}

/// As inspect(), in a child process: whatever the plugin does, the report goes on.
PluginReport inspect_apart(const PluginFile& file) {
  const auto sent = run_in_child([&] { return to_json(inspect(file)); }, inspection_timeout);
  auto report = sent.has_value() ? decode<PluginReport>(Codec::json, as_bytes(*sent))
                                 : Result<PluginReport>(sent.error());
  if (report.has_value()) return *report;
  PluginReport failed = found(file);
  refuse(failed, "loading it " + report.error().text);
  return failed;
}

std::string schemes_of(const PluginReport& report) {
  std::string text;
  for (const SchemeReport& scheme : report.schemes) {
    text += (text.empty() ? "" : ", ") + scheme.name + " (" + scheme.reach + ')';
  }
  return text;
}

void print(const PluginReport& report) {
  print_line(report.file + (report.link_to.empty() ? "" : " -> " + report.link_to));
  print_line("  " + report.verdict + ": " + report.reason);
  if (report.schemes.empty()) return;
  print_line("  schemes (reach): " + schemes_of(report));
  print_line("  plugin " + report.plugin + ' ' + report.version + " by " + report.vendor +
             ", ThinTransport " + report.abi);
}

ExitCode list_plugins(OutputFormat format) {
  const auto files = list_plugin_files();
  if (files.has_error()) return report(files.error(), format);
  std::vector<PluginReport> reports;
  for (const PluginFile& file : *files) {
    reports.push_back(inspect_apart(file));
    if (format == OutputFormat::text) print(reports.back());
  }
  if (format == OutputFormat::json) {
    print_line(to_json(reports));
  } else if (reports.empty()) {
    print_line("no file named trestle_*.so in the plugin directories");
  }
  return ExitCode::success;
}

constexpr const char* plugins_footer =
    "Each file is loaded in a process of its own, so that one that crashes is only reported.\n"
    "TRESTLE_PLUGIN_PATH names directories to search instead of the default ones.\n"
    "Exit codes: 0 also if files are refused, 2 usage or a bad TRESTLE_PLUGIN_PATH.\n"
    "Examples:\n"
    "  trestle plugins\n"
    "  trestle plugins --json | jq '.[] | select(.verdict == \"refused\") | .reason'\n"
    "  TRESTLE_PLUGIN_PATH=\"$PWD/build:<default>\" trestle plugins\n";

}  // namespace

void add_plugins(CLI::App& app, ExitCode& outcome) {
  auto format = std::make_shared<OutputFormat>(OutputFormat::text);
  CLI::App* verb =
      app.add_subcommand("plugins", "Show which transport plugins are found, and why used or not");
  verb->add_flag_callback(
      "--json", [format] { *format = OutputFormat::json; }, "One JSON array of objects");
  verb->footer(plugins_footer);
  verb->callback([format, &outcome] { outcome = list_plugins(*format); });
}

}  // namespace trestle::tools
