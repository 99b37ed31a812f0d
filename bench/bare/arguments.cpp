// Reading the command line.
#include "arguments.hpp"

#include <CLI/CLI.hpp>

#include <map>

namespace bare {
namespace {

const std::map<std::string, Mode> modes{
    {"rtt", Mode::rtt}, {"oneway", Mode::oneway}, {"pipe", Mode::pipe}};

void add_measure_options(CLI::App& verb, Arguments& arguments) {
  verb.add_option("--mode", arguments.mode)->transform(CLI::CheckedTransformer(modes));
  verb.add_option("--outstanding", arguments.outstanding, "Requests under way per connection")
      ->check(CLI::Range(1, 65'535));
  verb.add_option("--clients", arguments.clients, "Connections")->check(CLI::Range(1, 10'000));
  verb.add_option("--seconds", arguments.seconds)->check(CLI::Range(0.001, 3600.0));
}

void add_shared_options(CLI::App& verb, Arguments& arguments) {
  verb.add_option("URI", arguments.endpoint, "tcp://127.0.0.1:PORT, unix://PATH or ipc://PATH")
      ->required();
  verb.add_option("--size", arguments.size, "Bytes of payload")->check(CLI::Range(0, 64 << 20));
  verb.add_option("--wait", arguments.waiting)
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Waiting>{{"block", Waiting::block}, {"spin", Waiting::spin}}));
  verb.add_option("--write", arguments.writing)
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Writing>{{"each", Writing::each}, {"turn", Writing::turn}}));
  verb.add_option("--pattern", arguments.pattern)
      ->transform(CLI::CheckedTransformer(std::map<std::string, Pattern>{
          {"dealer", Pattern::dealer}, {"req", Pattern::req}, {"push", Pattern::push}}));
  verb.add_option("--hwm", arguments.hwm, "Messages that libzmq queues")
      ->check(CLI::Range(1, 1000));
}

}  // namespace

Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Measures a bare socket, for comparison.");
  app.require_subcommand(1);
  CLI::App* serve = app.add_subcommand("serve", "Echo and sink until killed");
  add_shared_options(*serve, arguments);
  serve->callback([&] { arguments.role = Role::serve; });
  CLI::App* measure = app.add_subcommand("measure", "Load a server; one JSON object out");
  add_shared_options(*measure, arguments);
  add_measure_options(*measure, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    std::exit(app.exit(wrong));
  }
  return arguments;
}

const char* to_text(Mode mode) noexcept {
  if (mode == Mode::rtt) return "rtt";
  return mode == Mode::oneway ? "oneway" : "pipe";
}

}  // namespace bare
