// trestle bench: how fast a peer answers, or how fast each transport is on this machine.
#include "duration_option.hpp"
#include "load.hpp"
#include "output.hpp"
#include "progress_bar.hpp"
#include "served_handlers.hpp"
#include "server_process.hpp"
#include "spin_option.hpp"
#include "verbs.hpp"

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace trestle::tools {
namespace {

struct BenchCommand {
  std::string uri;               ///< empty: all transports, with servers of our own
  std::optional<LoadMode> mode;  ///< unset: rtt; without a URI all of them
  Load load;
  double seconds = 1;
  OutputFormat format = OutputFormat::text;

  std::vector<LoadMode> modes() const {
    if (mode) return {*mode};
    if (!uri.empty()) return {LoadMode::rtt};
    return {LoadMode::rtt, LoadMode::oneway, LoadMode::pipe};
  }
};

/// A count or rate with at most four digits: 934, 12.3k, 1.27M, 5.06G.
std::string short_number(double value) {
  const char* unit = "";
  for (const char* larger : {"k", "M", "G"}) {
    if (value < 999.5) break;
    value /= 1000;
    unit = larger;
  }
  char text[32];
  const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::snprintf(text, sizeof(text), "%.*f%s", *unit == '\0' ? 0 : digits, value, unit);
  return text;
}

std::string in_unit(double microseconds) {
  return to_text(std::chrono::nanoseconds(static_cast<std::int64_t>(microseconds * 1000)));
}

std::string table_row(const std::vector<std::string>& cells) {
  std::string row;
  for (const std::string& cell : cells) {
    char padded[64];
    std::snprintf(padded, sizeof(padded), "%-10s ", cell.c_str());
    row += padded;
  }
  return row;
}

std::string heading() {
  return table_row({"mode", "size", "clients", "under way", "per second", "bytes/s", "p50", "p99",
                    "mean", "errors"}) +
         "endpoint";
}

std::string row_of(const LoadReport& report) {
  return table_row({report.mode, std::to_string(report.size), std::to_string(report.clients),
                    std::to_string(report.outstanding), short_number(report.per_second),
                    short_number(report.bytes_per_second), in_unit(report.p50_us),
                    in_unit(report.p99_us), in_unit(report.mean_us),
                    std::to_string(report.errors)}) +
         report.endpoint;
}

/// The loads of one command, in turn, and what came of them.
class Bench {
 public:
  explicit Bench(const BenchCommand& command) : command_(command) {}

  /// Loads the peer at `uri` in each of the command's modes.
  void measure(const std::string& uri) {
    for (const LoadMode mode : command_.modes()) {
      Load load = command_.load;
      load.mode = mode;
      const auto outcome = [&] {
        const ProgressBar bar(to_string(mode) + ' ' + uri, whole_duration(load));
        return run_load(uri, load);
      }();
      if (outcome.has_error()) return note(outcome.error());
      if (outcome->first_error) note(*outcome->first_error);
      if (is_text() && reports_.empty()) print_line(heading());
      if (is_text()) print_line(row_of(outcome->report));
      reports_.push_back(outcome->report);
    }
  }

  /// Tells of an error; the first one decides how the tool ends.
  void note(const Error& error) {
    const ExitCode code = report(error, command_.format);
    if (outcome_ == ExitCode::success) outcome_ = code;
  }

  const std::vector<LoadReport>& reports() const noexcept { return reports_; }
  ExitCode outcome() const noexcept { return outcome_; }

 private:
  bool is_text() const noexcept { return command_.format == OutputFormat::text; }

  const BenchCommand& command_;
  std::vector<LoadReport> reports_;
  ExitCode outcome_ = ExitCode::success;
};

Result<std::string> serve_here(Node& node) {
  for (Handler& handler : served_handlers()) {
    if (auto added = node.add(std::move(handler)); added.has_error()) return added.error();
  }
  return node.listen("inproc://*");
}

void measure_inside(Bench& bench, Spin spin) {
  NodeOptions options;
  options.spin = spin;
  Node node(std::move(options));
  const auto uri = serve_here(node);
  if (uri.has_error()) return bench.note(uri.error());
  bench.measure(*uri);
}

/// Each transport with a server of its own; inside this process last, so that the others' servers
/// are forked while it has one thread.
void measure_all(Bench& bench, Spin spin) {
  for (const char* endpoint : {"tcp://127.0.0.1:0", "unix://*"}) {
    const auto server =
        ServerProcess::start({"--listen", endpoint, "--spin", std::string(to_string(spin))});
    if (server.has_error()) {
      bench.note(server.error());
    } else {
      bench.measure(server->uri());
    }
  }
  measure_inside(bench, spin);
}

ExitCode run_bench(const BenchCommand& command) {
  Bench bench(command);
  if (command.uri.empty()) {
    measure_all(bench, command.load.spin);
  } else {
    bench.measure(command.uri);
  }
  if (command.format == OutputFormat::text || bench.reports().empty()) return bench.outcome();
  print_line(command.uri.empty() ? to_json(bench.reports()) : to_json(bench.reports().front()));
  return bench.outcome();
}

constexpr const char* bench_footer =
    "Modes:\n"
    "  rtt     one call after the other; p50, p99 and mean are times of a call\n"
    "  oneway  messages without a reply; time until the answer to a last one counts, and p50, p99\n"
    "          and mean are the times that handing one over takes\n"
    "  pipe    --outstanding calls under way; each reply starts the next call\n"
    "A tenth of --seconds, at most a second, warms up before. The peer is a 'trestle serve'.\n"
    "Without a URI, all transports are measured in turn, each with a server of its own, in all\n"
    "modes. --json prints one object, or without a URI an array of them, with p50_us, p99_us,\n"
    "mean_us, per_second, bytes_per_second (payload, one direction), messages and errors.\n"
    "Examples:\n"
    "  trestle bench\n"
    "  trestle bench tcp://127.0.0.1:7000 --size 4096\n"
    "  trestle bench unix:///run/words.sock --mode pipe --outstanding 256 --json\n"
    "  trestle bench tcp://127.0.0.1:7000 --mode oneway --size 1048576 --seconds 5\n";

void add_options(CLI::App& verb, const std::shared_ptr<BenchCommand>& command) {
  static const std::map<std::string, LoadMode> modes{
      {"rtt", LoadMode::rtt}, {"oneway", LoadMode::oneway}, {"pipe", LoadMode::pipe}};
  const auto read_mode = [command](const std::string& word) { command->mode = modes.at(word); };
  verb.add_option("URI", command->uri, "Where a 'trestle serve' listens; none: all transports")
      ->type_name("");
  verb.add_option_function<std::string>("--mode", read_mode, "What to do; rtt with a URI")
      ->check(CLI::IsMember({"rtt", "oneway", "pipe"}));
  Load& load = command->load;
  verb.add_option("--size", load.size, "Bytes of payload")
      ->check(CLI::Range(0, 64 << 20))
      ->capture_default_str();
  verb.add_option("--outstanding", load.outstanding, "Calls under way per client, in pipe")
      ->check(CLI::Range(1, 65'535))
      ->capture_default_str();
  verb.add_option("--clients", load.clients, "Nodes, each with a connection and a thread")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  verb.add_option("--seconds", command->seconds, "How long to measure")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  add_spin(verb, load.spin);
  const auto read_handing = [command](const std::string& word) {
    command->load.payload = word == "lent" ? Handing::lent : Handing::copied;
  };
  verb.add_option_function<std::string>("--payload", read_handing,
                                        "Whether each message is a copy, or read where it lies")
      ->check(CLI::IsMember({"copied", "lent"}))
      ->default_str("copied");
  verb.add_flag_callback(
      "--json", [command] { command->format = OutputFormat::json; }, "JSON instead of a table");
}

}  // namespace

void add_bench(CLI::App& app, ExitCode& outcome) {
  auto command = std::make_shared<BenchCommand>();
  CLI::App* verb = app.add_subcommand("bench", "Measure calls and messages to a peer");
  add_options(*verb, command);
  verb->footer(std::string(exit_codes_help) + bench_footer);
  verb->callback([command, &outcome] {
    command->load.duration = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(command->seconds));
    outcome = run_bench(*command);
  });
}

}  // namespace trestle::tools
