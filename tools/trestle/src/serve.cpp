// trestle serve: a node with a few handlers to try things out with.
#include "duration_option.hpp"
#include "output.hpp"
#include "served_handlers.hpp"
#include "spin_option.hpp"
#include "termination.hpp"
#include "verbs.hpp"

#include <trestle/node.hpp>

#include <boost/describe/class.hpp>

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace trestle::tools {
namespace {

struct ServeOptions {
  std::vector<std::string> uris;
  std::size_t workers = 0;
  std::chrono::nanoseconds drain_timeout = std::chrono::seconds(30);
  Spin spin = Spin::automatic;
  Administration administration = Administration::trusted;
  OutputFormat format = OutputFormat::text;
};

struct Listening {
  std::string listening;
};
BOOST_DESCRIBE_STRUCT(Listening, (), (listening))

Result<void> open_for_calls(Node& node, const ServeOptions& options) {
  for (Handler& handler : served_handlers()) {
    if (auto added = node.add(std::move(handler)); added.has_error()) return added;
  }
  for (const std::string& uri : options.uris) {
    const auto real = node.listen(uri);
    if (real.has_error()) return real.error();
    print_line(options.format == OutputFormat::json ? to_json(Listening{*real})
                                                    : "listening " + *real);
  }
  return {};
}

ExitCode serve(const ServeOptions& options) {
  // Before the node's threads exist, so that all of them inherit the blocked signals.
  Termination termination;
  NodeOptions node_options;
  node_options.workers = options.workers;
  node_options.close_timeout = options.drain_timeout;
  node_options.spin = options.spin;
  node_options.remote_administration = options.administration;
  Node node(std::move(node_options));
  if (auto open = open_for_calls(node, options); open.has_error()) {
    return report(open.error(), options.format);
  }
  {
    const std::stop_callback asked(node.stop_token(), &Termination::request);
    termination.wait();
  }
  if (auto closed = node.close(); closed.has_error()) {
    return report(closed.error(), options.format);
  }
  return ExitCode::success;
}

constexpr const char* serve_footer =
    "Handlers:\n"
    "  echo       unary: any value, and the same comes back\n"
    "  sink       am: any value, and nothing comes back\n"
    "  sleep      unary: milliseconds; replies with them when they have passed\n"
    "  wordcount  unary: a text; replies with how often each word occurs\n"
    "SIGINT, SIGTERM or 'trestle shutdown' refuse new calls, let those under way end, and the "
    "exit\n"
    "code is 0; a second signal ends at once. A listener that others than this host can reach "
    "needs\n"
    "insecure=1 in its URI.\n"
    "Exit codes: 0 drained, 2 usage or unusable endpoint, 3 cannot listen, 4 drain timeout.\n"
    "Examples:\n"
    "  trestle serve --listen tcp://127.0.0.1:7000 --listen 'unix://*'\n"
    "  trestle serve --listen tcp://127.0.0.1:0 --json\n"
    "  trestle serve --listen 'tcp://0.0.0.0:7000?insecure=1' --workers 8\n";

}  // namespace

void add_serve(CLI::App& app, ExitCode& outcome) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* verb = app.add_subcommand("serve", "Serve handlers to try things out with");
  verb->add_option("--listen", options->uris, "Endpoint to listen at; may be repeated")
      ->type_name("URI")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--workers", options->workers,
                   "Threads for wordcount; 0: as many as CPUs, at least 2")
      ->check(CLI::Range(0, 1024));
  add_duration(*verb, "--drain-timeout", options->drain_timeout,
               "How long calls under way may take to end", "30s");
  add_spin(*verb, options->spin);
  const std::map<std::string, Administration> who{{"trusted", Administration::trusted},
                                                  {"anybody", Administration::anybody},
                                                  {"nobody", Administration::nobody}};
  verb->add_option("--administration", options->administration,
                   "Who may shut it down from afar: trusted (default: its user on this host, and "
                   "peers that a transport authenticates), anybody, nobody")
      ->transform(CLI::CheckedTransformer(who, CLI::ignore_case))
      ->type_name("WHO");
  verb->add_flag_callback(
      "--json", [options] { options->format = OutputFormat::json; },
      "Print one JSON object per listener: {\"listening\": URI}");
  verb->footer(serve_footer);
  verb->callback([options, &outcome] { outcome = serve(*options); });
}

}  // namespace trestle::tools
