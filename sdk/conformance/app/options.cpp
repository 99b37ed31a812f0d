// CLI11, and what it cannot check by itself.
#include "options.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace trestle::conformance {
namespace {

constexpr const char* program = "trestle-conformance";

constexpr const char* footer =
    "Exit status: 0 if no check failed, 1 if one did, 2 if the command line is wrong.\n"
    "Examples:\n"
    "  trestle-conformance build/trestle_mine.so --scheme mine\n"
    "  trestle-conformance build/trestle_mine.so --scheme mine --filter WakeUp --seed 7\n"
    "  trestle-conformance build/trestle_mine.so --scheme mine+tcp --listen mine+tcp://[::1]:0\n";

[[noreturn]] void refuse(const std::string& text) {
  std::cerr << program << ": " << text << "\n'" << program << " --help' shows what it takes\n";
  throw Ending{exit_usage};
}

struct Flags {
  bool tap = false;
  bool json = false;
  bool list = false;
  unsigned timeout_seconds = 60;
  unsigned patience_seconds = 20;
};

void declare(CLI::App& app, Options& options, Flags& flags) {
  Subject& subject = options.subject;
  app.add_option("PLUGIN", subject.plugin_path, "the transport's module, a .so");
  app.add_option("--scheme", subject.scheme, "one of its URI schemes");
  app.add_option("--listen", subject.listen_uri,
                 "a URI that gives a fresh address each time; default: the first of SCHEME://* "
                 "and SCHEME://127.0.0.1:0 that works");
  app.add_option("--bad-uri", subject.bad_uris,
                 "an address that is malformed in the scheme's own way; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--inner", subject.inner_plugins,
                 "for a wrapper such as pass+tcp: the module of tcp, if it is not in the folder of "
                 "PLUGIN; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option(
      "--beside", subject.neighbour_plugin,
      "another plugin's module, for the check that loads two; default: a copy of PLUGIN");
  app.add_option("--library-buffer", subject.library_buffer_bytes_max,
                 "bytes that buffers below the transport's may swallow before TT_E_AGAIN")
      ->capture_default_str();
  app.add_option("--seed", subject.seed, "of all that is random")->capture_default_str();
  app.add_option("--filter", options.filter,
                 "a regular expression: only checks whose name it is found in");
  app.add_option("--jobs", options.jobs, "checks at once; those that look at time run alone")
      ->check(CLI::Range(1u, 256u))
      ->capture_default_str();
  app.add_option("--timeout", flags.timeout_seconds, "seconds for one check")
      ->check(CLI::Range(1u, 3600u))
      ->capture_default_str();
  app.add_option("--patience", flags.patience_seconds,
                 "seconds within which whatever must happen does happen")
      ->check(CLI::Range(1u, 3600u))
      ->capture_default_str();
  auto* const tap = app.add_flag("--tap", flags.tap, "report in the Test Anything Protocol");
  app.add_flag("--json", flags.json, "report as one JSON object")->excludes(tap);
  app.add_flag("--list", flags.list, "print the names of the checks and run none");
}

/// Makes the path one that dlopen() does not search for.
void settle(std::string& path) {
  std::error_code error;
  const auto found = std::filesystem::canonical(path, error);
  if (error) refuse(path + ": " + error.message());
  path = found.string();
}

void complete(Options& options, const Flags& flags) {
  options.timeout = std::chrono::seconds(flags.timeout_seconds);
  options.subject.patience = std::chrono::seconds(flags.patience_seconds);
  options.format = flags.json ? Format::json : flags.tap ? Format::tap : Format::human;
  try {
    options.names = NameFilter(options.filter);
  } catch (const std::invalid_argument& error) {
    refuse("--filter '" + options.filter + "' is no regular expression: " + error.what());
  }
  if (flags.list) {
    options.task = Options::Task::list;
    return;
  }
  Subject& subject = options.subject;
  if (subject.plugin_path.empty()) refuse("PLUGIN is missing: the transport's .so");
  if (subject.scheme.empty()) refuse("--scheme is missing: one of the plugin's URI schemes");
  if (subject.scheme.find(':') != std::string::npos) {
    refuse("--scheme '" + subject.scheme + "': expected a name such as tcp, without '://'");
  }
  settle(subject.plugin_path);
  for (std::string& path : subject.inner_plugins) settle(path);
  if (!subject.neighbour_plugin.empty()) settle(subject.neighbour_plugin);
  const std::string prefix = subject.scheme + "://";
  if (!subject.listen_uri.empty() && !subject.listen_uri.starts_with(prefix)) {
    refuse("--listen '" + subject.listen_uri + "': expected a URI that begins with " + prefix);
  }
}

}  // namespace

Options parse_options(int argc, char** argv) {
  Options options;
  options.jobs = std::max(1u, std::thread::hardware_concurrency());
  Flags flags;
  CLI::App app("Holds a transport plugin against the contract, docs/writing_a_transport.md.",
               program);
  app.footer(footer);
  declare(app, options, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help
    throw Ending{app.exit(asked, std::cout, std::cerr)};
  } catch (const CLI::ParseError& wrong) {
    refuse(wrong.what());
  }
  complete(options, flags);
  return options;
}

}  // namespace trestle::conformance
