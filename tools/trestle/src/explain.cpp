// trestle explain: which ways lead to a peer, why others do not, and where options come from.
#include "duration_option.hpp"
#include "output.hpp"
#include "verbs.hpp"

#include <trestle/node.hpp>

#include <boost/describe/class.hpp>

#include <memory>
#include <string>
#include <vector>

namespace trestle::tools {
namespace {

struct ExplainCommand {
  std::string target;
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  OutputFormat format = OutputFormat::text;
};

struct OptionReport {
  std::string key;
  std::string value;
  std::string source;
};
BOOST_DESCRIBE_STRUCT(OptionReport, (), (key, value, source))

struct CandidateReport {
  std::string uri;
  std::string scheme;
  std::string reach;
  std::string plugin;
  std::string verdict;  ///< chosen, failed, rejected or not tried
  std::string reason;
  std::vector<OptionReport> options;
};
BOOST_DESCRIBE_STRUCT(CandidateReport, (), (uri, scheme, reach, plugin, verdict, reason, options))

struct RouteReport {
  std::string instance;  ///< who was asked for; empty: whoever answers
  std::string host;      ///< this, another or unknown
  std::vector<CandidateReport> candidates;
};
BOOST_DESCRIBE_STRUCT(RouteReport, (), (instance, host, candidates))

/// A peer, an address, or one endpoint.
Result<PeerInfo> read_target(const std::string& target) {
  if (target.find("://") != std::string::npos) return PeerInfo{{}, {target}};
  if (target.starts_with("trestle-address-")) {
    auto address = WorkerAddress::parse(target);
    if (address.has_error()) return std::move(address).error();
    return PeerInfo{{}, std::move(*address)};
  }
  return PeerInfo::parse(target);
}

std::string host_of(const PeerInfo& peer, const Node& node) {
  if (peer.host.is_nil()) return "unknown";
  return peer.host == node.info().host ? "this" : "another";
}

CandidateReport describe(const RouteCandidate& candidate) {
  CandidateReport report;
  report.uri = candidate.uri;
  report.scheme = candidate.scheme;
  if (candidate.reach) report.reach = to_string(*candidate.reach);
  report.plugin = candidate.plugin;
  for (const RouteOption& option : candidate.options) {
    report.options.push_back({option.key, option.value, option.source});
  }
  return report;
}

/// Tries the candidates in order; the error, if any, says why the last one does not serve.
Result<void> try_all(Node& node, const PeerInfo& peer, const ExplainCommand& command,
                     RouteReport& route) {
  Result<void> outcome = Error(Errc::unreachable, "this peer has no endpoint");
  ConnectOptions options{.timeout = command.timeout};
  if (!peer.instance_id.is_nil()) options.expect = peer.instance_id;
  for (const RouteCandidate& candidate : node.plan_route(peer).candidates) {
    CandidateReport& report = route.candidates.emplace_back(describe(candidate));
    if (candidate.why_not) {
      report.verdict = "rejected";
      report.reason = candidate.why_not->text;
      if (outcome.has_error()) outcome = *candidate.why_not;
    } else if (outcome.has_value()) {
      report.verdict = "not tried";
      report.reason = "an earlier one serves";
    } else if (const auto connected = node.connect(candidate.uri, options)) {
      report.verdict = "chosen";
      report.reason = "node " + to_string(connected->instance_id()) + " answered";
      outcome = Result<void>();
    } else {
      report.verdict = "failed";
      report.reason = connected.error().text;
      outcome = connected.error();
    }
  }
  return outcome;
}

void print(const RouteReport& route) {
  print_line("peer " + (route.instance.empty() ? "of any id" : route.instance) + ", host " +
             route.host);
  for (const CandidateReport& one : route.candidates) {
    print_line(one.uri);
    print_line("  " + one.verdict + ": " + one.reason);
    if (!one.plugin.empty()) print_line("  reach " + one.reach + ", by " + one.plugin);
    for (const OptionReport& option : one.options) {
      print_line("  " + option.key + '=' + option.value + " (" + option.source + ')');
    }
  }
}

ExitCode explain(const ExplainCommand& command) {
  const auto peer = read_target(command.target);
  if (peer.has_error()) return report(peer.error(), command.format);
  Node node;
  RouteReport route;
  if (!peer->instance_id.is_nil()) route.instance = to_string(peer->instance_id);
  route.host = host_of(*peer, node);
  const auto outcome = try_all(node, *peer, command, route);
  if (command.format == OutputFormat::json) {
    print_line(to_json(route));
  } else {
    print(route);
  }
  return outcome.has_value() ? ExitCode::success : exit_code_of(outcome.error());
}

constexpr const char* explain_footer =
    "TARGET is a URI, or the text of a PeerInfo or WorkerAddress. Candidates are tried nearest\n"
    "first until one answers. Options that are not shown have the transport's own defaults.\n"
    "Examples:\n"
    "  trestle explain tcp://127.0.0.1:7000?heartbeat=500ms\n"
    "  trestle explain --json unix:///run/words.sock | jq '.candidates[].verdict'\n";

}  // namespace

void add_explain(CLI::App& app, ExitCode& outcome) {
  auto command = std::make_shared<ExplainCommand>();
  CLI::App* verb = app.add_subcommand("explain", "Show how a peer would be reached, and why so");
  verb->add_option("TARGET", command->target, "Where the peer listens")->type_name("")->required();
  add_duration(*verb, "--timeout", command->timeout, "Deadline for each candidate", "5s");
  verb->add_flag_callback(
      "--json", [command] { command->format = OutputFormat::json; }, "One JSON object");
  verb->footer(std::string(exit_codes_help) + explain_footer);
  verb->callback([command, &outcome] { outcome = explain(*command); });
}

}  // namespace trestle::tools
