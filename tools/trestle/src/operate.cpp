// trestle health, handlers, wait, stats, shutdown: what a running node is asked, and told.
#include "client.hpp"
#include "duration_option.hpp"
#include "output.hpp"
#include "verbs.hpp"

#include <trestle/health.hpp>
#include <trestle/statistics.hpp>

#include <boost/describe/class.hpp>

#include <functional>
#include <memory>
#include <string>

namespace trestle::tools {
namespace {

struct OperateCommand {
  std::string uri;
  std::string handler;  ///< to wait for
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  std::chrono::nanoseconds time_left{};  ///< of that, once it is connected
  OutputFormat format = OutputFormat::text;
};

/// What --json of `wait` prints.
struct Waited {
  std::string handler;
  bool available = false;
};
BOOST_DESCRIBE_STRUCT(Waited, (), (handler, available))

using Question = std::function<Result<void>(const Peer&, const OperateCommand&)>;

Result<void> ask(OperateCommand command, const Question& question) {
  Client client(command.timeout);
  // Who waits for a handler waits for its node, too.
  const bool waits = !command.handler.empty();
  const auto connected =
      waits ? client.connect_once_there(command.uri) : client.connect(command.uri);
  if (connected.has_error()) return connected.error();
  command.time_left = client.time_left();
  return question(connected->with_timeout(command.time_left), command);
}

Result<void> show_health(const Peer& peer, const OperateCommand& command) {
  const auto health = peer.health_check();
  if (health.has_error()) return health.error();
  const bool as_json = command.format == OutputFormat::json;
  print_line(as_json ? to_json(*health) : health->status);
  return {};
}

Result<void> show_handlers(const Peer& peer, const OperateCommand& command) {
  const auto names = peer.list_handlers();
  if (names.has_error()) return names.error();
  if (command.format == OutputFormat::json) {
    print_line(to_json(*names));
    return {};
  }
  for (const std::string& name : *names) {
    const auto contract = peer.contract(name);
    // One that went meanwhile is no failure of the list.
    if (contract.has_value()) print_line(name + "  " + to_string(*contract));
  }
  return {};
}

Result<void> wait_for_handler(const Peer& peer, const OperateCommand& command) {
  const auto came = peer.await_handler(command.handler, command.time_left);
  if (came.has_error()) return came.error();
  if (command.format == OutputFormat::json) print_line(to_json(Waited{command.handler, *came}));
  if (*came) return {};
  return Error(Errc::deadline_exceeded, "the peer has no handler '" + command.handler +
                                            "', after " + to_text(command.timeout));
}

void print_rows(const std::string& name, const std::vector<ReasonCount>& rows) {
  for (const ReasonCount& row : rows) {
    print_line(name + " " + row.reason + "  " + std::to_string(row.count));
  }
}

void print_transport(const TransportStatistics& one) {
  print_line("transport " + one.scheme + "  connections " + std::to_string(one.connections) +
             ", sent " + std::to_string(one.bytes_sent) + " bytes in " +
             std::to_string(one.packets_sent) + " packets, received " +
             std::to_string(one.bytes_received) + " in " + std::to_string(one.packets_received) +
             ", unsent " + std::to_string(one.bytes_unsent));
}

/// The bound below which all but a hundredth of the timed messages were; empty if none was timed.
std::string nearly_all_within(const std::vector<std::uint64_t>& rows) {
  std::uint64_t all = 0, seen = 0;
  for (const std::uint64_t row : rows) all += row;
  if (all == 0) return "";
  for (std::size_t row = 0; row < rows.size() && row < latency_bounds.size(); ++row) {
    seen += rows[row];
    if (seen * 100 >= all * 99) return ", 99 % within " + to_text(latency_bounds.at(row));
  }
  return ", 99 % not within " + to_text(latency_bounds.back());
}

void print_handler(const HandlerStatistics& one) {
  if (one.admitted == 0 && one.refused.empty()) return;
  print_line("handler " + one.handler + "  admitted " + std::to_string(one.admitted) +
             ", under way " + std::to_string(one.under_way) + ", failed " +
             std::to_string(one.failed) + nearly_all_within(one.latency));
  print_rows("handler " + one.handler + " refused", one.refused);
}

void print_statistics(const NodeStatistics& all) {
  const auto line = [](const char* name, std::uint64_t count) {
    print_line(std::string(name) + "  " + std::to_string(count));
  };
  print_line("node " + all.instance_id);
  line("messages sent", all.messages_sent);
  line("calls started", all.calls_started);
  line("calls succeeded", all.calls_succeeded);
  line("calls pending", all.calls_pending);
  print_rows("calls failed", all.calls_failed);
  for (const LossCount& lost : all.messages_lost) {
    print_line("messages lost " + lost.reason + "  unsent " + std::to_string(lost.unsent) +
               ", in doubt " + std::to_string(lost.in_doubt));
  }
  line("messages received", all.messages_received);
  print_rows("messages refused", all.messages_refused);
  line("messages waiting", all.messages_waiting);
  line("messages under way", all.messages_under_way);
  line("handler errors", all.handler_errors);
  line("stray outcomes", all.stray_outcomes);
  line("protocol errors", all.protocol_errors);
  line("packets damaged", all.packets_damaged);
  line("strangers closed", all.strangers_closed);
  line("stale refused", all.stale_refused);
  for (const TransportStatistics& one : all.transports) print_transport(one);
  for (const HandlerStatistics& one : all.handlers) print_handler(one);
}

Result<void> show_statistics(const Peer& peer, const OperateCommand& command) {
  const auto all = peer.statistics();
  if (all.has_error()) return all.error();
  if (command.format == OutputFormat::json) {
    print_line(to_json(*all));
  } else {
    print_statistics(*all);
  }
  return {};
}

Result<void> shut_down(const Peer& peer, const OperateCommand&) {
  return peer.request_shutdown();
}

CLI::App* add_verb(CLI::App& app, const std::shared_ptr<OperateCommand>& command, const char* name,
                   const char* what) {
  CLI::App* verb = app.add_subcommand(name, what);
  verb->add_option("URI", command->uri, "Where the peer listens")->type_name("")->required();
  return verb;
}

void finish_verb(CLI::App& verb, ExitCode& outcome, const std::shared_ptr<OperateCommand>& command,
                 Question question, const std::string& examples) {
  add_duration(verb, "--timeout", command->timeout, "Deadline for all of it", "30s");
  verb.add_flag_callback(
      "--json", [command] { command->format = OutputFormat::json; },
      "Results and errors as one line of JSON");
  verb.footer(exit_codes_help + ("Examples:\n" + examples));
  verb.callback([command, &outcome, question = std::move(question)] {
    const auto done = ask(*command, question);
    outcome = done.has_value() ? ExitCode::success : report(done.error(), command->format);
  });
}

}  // namespace

void add_health(CLI::App& app, ExitCode& outcome) {
  const auto command = std::make_shared<OperateCommand>();
  CLI::App* verb = add_verb(app, command, "health", "Ask a node how it is: prints ok, or fails");
  finish_verb(*verb, outcome, command, show_health,
              "  trestle health tcp://127.0.0.1:7000 --timeout 1s\n");
}

void add_handlers(CLI::App& app, ExitCode& outcome) {
  const auto command = std::make_shared<OperateCommand>();
  CLI::App* verb = add_verb(app, command, "handlers", "List a node's handlers and what they take");
  finish_verb(*verb, outcome, command, show_handlers,
              "  trestle handlers unix:///run/words.sock --json\n");
}

void add_wait(CLI::App& app, ExitCode& outcome) {
  const auto command = std::make_shared<OperateCommand>();
  CLI::App* verb = add_verb(app, command, "wait", "Wait until a node is there and has a handler");
  verb->add_option("HANDLER", command->handler, "Its name")->type_name("")->required();
  finish_verb(*verb, outcome, command, wait_for_handler,
              "  trestle wait tcp://127.0.0.1:7000 wordcount --timeout 10s\n");
}

void add_stats(CLI::App& app, ExitCode& outcome) {
  const auto command = std::make_shared<OperateCommand>();
  CLI::App* verb = add_verb(app, command, "stats", "Show what a node counted, and has now");
  finish_verb(*verb, outcome, command, show_statistics,
              "  trestle stats tcp://127.0.0.1:7000\n"
              "  trestle stats unix:///run/words.sock --json | jq .calls_failed\n");
}

void add_shutdown(CLI::App& app, ExitCode& outcome) {
  const auto command = std::make_shared<OperateCommand>();
  CLI::App* verb = add_verb(app, command, "shutdown",
                            "Have a node drain and end; returns once it begins to. It refuses who "
                            "is not of its user on its host, nor authenticated");
  finish_verb(*verb, outcome, command, shut_down, "  trestle shutdown unix:///run/words.sock\n");
}

}  // namespace trestle::tools
