// trestle ping: how long a round trip to a peer takes.
#include "client.hpp"
#include "duration_option.hpp"
#include "output.hpp"
#include "verbs.hpp"

#include <boost/describe/class.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace trestle::tools {
namespace {

using RoundTrips = std::vector<std::chrono::nanoseconds>;

struct PingCommand {
  std::string uri;
  std::uint32_t count = 5;
  std::chrono::nanoseconds interval = std::chrono::milliseconds(200);
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  OutputFormat format = OutputFormat::text;
};

/// What --json prints; times in nanoseconds.
struct PingReport {
  std::string instance;
  std::vector<std::int64_t> round_trips;
  std::int64_t min = 0;
  std::int64_t median = 0;
  std::int64_t max = 0;
};
BOOST_DESCRIBE_STRUCT(PingReport, (), (instance, round_trips, min, median, max))

/// Lower median of sorted, non-empty `times`.
std::chrono::nanoseconds median(const RoundTrips& times) {
  return times[(times.size() - 1) / 2];
}

void print_summary(const PingCommand& command, const Peer& peer, RoundTrips times) {
  PingReport summary{to_string(peer.instance_id()), {}, 0, 0, 0};
  for (const auto& time : times) summary.round_trips.push_back(time.count());
  std::sort(times.begin(), times.end());
  if (command.format == OutputFormat::json) {
    summary.min = times.front().count();
    summary.median = median(times).count();
    summary.max = times.back().count();
    print_line(to_json(summary));
  } else {
    print_line("round trips " + std::to_string(times.size()) + ", min " + to_text(times.front()) +
               ", median " + to_text(median(times)) + ", max " + to_text(times.back()));
  }
}

Result<void> run_ping(const PingCommand& command) {
  Client client(command.timeout);
  const auto connected = client.connect(command.uri);
  if (connected.has_error()) return connected.error();
  const Peer peer = connected->with_timeout(command.timeout);
  const bool as_text = command.format == OutputFormat::text;
  if (as_text) print_line("connected to node " + to_string(peer.instance_id()));

  RoundTrips times;
  for (std::uint32_t number = 1; number <= command.count; ++number) {
    if (number > 1) std::this_thread::sleep_for(command.interval);
    const auto time = peer.ping();
    if (time.has_error()) return time.error();
    if (as_text) print_line("ping " + std::to_string(number) + "  " + to_text(*time));
    times.push_back(*time);
  }
  print_summary(command, peer, std::move(times));
  return {};
}

constexpr const char* ping_footer =
    "Examples:\n"
    "  trestle ping tcp://127.0.0.1:7000\n"
    "  trestle ping unix:///run/words.sock --count 1000 --interval 1ms --json\n";

}  // namespace

void add_ping(CLI::App& app, ExitCode& outcome) {
  auto command = std::make_shared<PingCommand>();
  CLI::App* verb = app.add_subcommand("ping", "Measure round trips to a peer; runs no handler");
  verb->add_option("URI", command->uri, "Where the peer listens")->type_name("")->required();
  verb->add_option("--count", command->count, "Round trips")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  add_duration(*verb, "--interval", command->interval, "Pause between two of them", "200ms");
  add_duration(*verb, "--timeout", command->timeout,
               "Deadline for connecting, and for each of them", "30s");
  verb->add_flag_callback(
      "--json", [command] { command->format = OutputFormat::json; },
      "One JSON object at the end, times in nanoseconds");
  verb->footer(std::string(exit_codes_help) + ping_footer);
  verb->callback([command, &outcome] {
    const auto done = run_ping(*command);
    outcome = done.has_value() ? ExitCode::success : report(done.error(), command->format);
  });
}

}  // namespace trestle::tools
