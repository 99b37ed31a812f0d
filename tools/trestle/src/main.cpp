// trestle: serve handlers, call them, measure a peer, look at plugins, start a new one.
#include "verbs.hpp"

#include <algorithm>
#include <csignal>
#include <iostream>

namespace {

using trestle::tools::ExitCode;

constexpr const char* examples =
    "Examples:\n"
    "  trestle serve --listen tcp://127.0.0.1:7000\n"
    "  trestle call tcp://127.0.0.1:7000 echo '{\"hello\": [1, 2, 3]}'\n"
    "  trestle ping tcp://127.0.0.1:7000 --count 100\n"
    "  trestle bench\n"
    "  trestle stats tcp://127.0.0.1:7000\n"
    "  trestle shutdown unix:///run/words.sock\n"
    "  trestle explain tcp://127.0.0.1:7000\n"
    "  trestle plugins\n"
    "  trestle fabrics\n"
    "  trestle new-transport mine mine-transport\n"
    "'trestle VERB --help' explains a verb.\n";

int number(ExitCode code) noexcept {
  return static_cast<int>(code);
}

/// The verbs of `app`, as a sentence lists them.
std::string verbs_of(const CLI::App& app) {
  std::string verbs;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    verbs += (verbs.empty() ? "" : ", ") + verb->get_name();
  }
  return verbs;
}

/// CLI11 knows the word only as one argument too many; this says what was meant instead.
bool is_unknown_verb(const CLI::App& app, const std::string& word) {
  const auto is_it = [&](const CLI::App* verb) { return verb->get_name() == word; };
  return !word.empty() && word.front() != '-' && app.get_subcommands(is_it).empty();
}

int run(CLI::App& app, int argc, char** argv, const ExitCode& outcome) {
  if (argc > 1 && is_unknown_verb(app, argv[1])) {
    std::cerr << "trestle: no verb '" << argv[1] << "'; there are: " << verbs_of(app)
              << ". 'trestle --help' shows examples\n";
    return number(ExitCode::usage);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked, std::cout, std::cerr);
  } catch (const CLI::ParseError& wrong) {
    const auto chosen = app.get_subcommands();
    const std::string verb = chosen.empty() ? "" : ' ' + chosen.front()->get_name();
    std::cerr << "trestle" << verb << ": " << wrong.what() << "\n'trestle" << verb
              << " --help' shows what it takes\n";
    return number(ExitCode::usage);
  }
  return number(outcome);
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that went away must show as a failed write, not end the process.
  std::signal(SIGPIPE, SIG_IGN);
  ExitCode outcome = ExitCode::success;
  CLI::App app("Active messages from the command line.", "trestle");
  app.set_version_flag("--version", "trestle " TRESTLE_VERSION);
  app.require_subcommand(1);
  app.footer(examples);
  trestle::tools::add_serve(app, outcome);
  trestle::tools::add_call(app, outcome);
  trestle::tools::add_ping(app, outcome);
  trestle::tools::add_bench(app, outcome);
  trestle::tools::add_explain(app, outcome);
  trestle::tools::add_plugins(app, outcome);
  trestle::tools::add_fabrics(app, outcome);
  trestle::tools::add_health(app, outcome);
  trestle::tools::add_handlers(app, outcome);
  trestle::tools::add_wait(app, outcome);
  trestle::tools::add_stats(app, outcome);
  trestle::tools::add_shutdown(app, outcome);
  trestle::tools::add_new_transport(app, outcome);
  try {
    return run(app, argc, argv, outcome);
  } catch (const std::exception& failure) {  // what a constructor throws, such as no threads left
    std::cerr << "trestle: " << failure.what() << '\n';
    return number(ExitCode::connection);
  }
}
