// Conservation of messages: processes exchange them while the server is killed and started again;
// each that was sent ends as completed or as failed with a reason, and ran as often as that says.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>

#include "roles.hpp"

int main(int argc, char** argv) {
  using namespace trestle::scenarios;
  Play play;
  play.size = {.clients = 2, .messages_max = 0};
  double seconds = play.duration.count();
  int ledger = -1;
  std::uint64_t incarnation = 0;
  std::optional<std::size_t> client;
  CLI::App app("Counts messages between processes while their server is killed again and again.");
  app.add_option("ADDRESS", play.address,
                 "To listen at; {name} and {file} in it stand for a new name and socket file")
      ->required();
  app.add_option("--seconds", seconds, "Of sending, at least")->check(CLI::Range(0.5, 1e6));
  app.add_option("--messages", play.messages_min, "To be sent, at least");
  app.add_option("--kills-per-second", play.kills_per_second)->check(CLI::Range(1, 100));
  app.add_option("--clients", play.size.clients)->check(CLI::Range(1, 64));
  app.add_option("--threads", play.threads, "Of each client")->check(CLI::Range(1, 64));
  app.add_option("--outstanding", play.outstanding, "Messages under way of each thread");
  app.add_option("--large-bytes", play.large_bytes, "Of two in 64 messages");
  app.add_option("--seed", play.seed, "Of the times of death");
  app.add_option("--plugin", play.plugins, "Plugin files to use before any other");
  app.add_option("--messages-max", play.size.messages_max, "Of each client; 0: by the time");
  // Of the processes that the driver starts.
  app.add_option("--ledger", ledger)->group("");
  app.add_option("--server", incarnation)->group("");
  app.add_option("--client", client)->group("");
  CLI11_PARSE(app, argc, argv);
  play.duration = std::chrono::duration<double>(seconds);
  constexpr double messages_per_second = 500'000;
  if (play.size.messages_max == 0) {
    play.size.messages_max =
        std::max(static_cast<std::size_t>(seconds * messages_per_second), play.messages_min);
  }
  if (ledger < 0) return drive(play);
  const Ledger shared(play.size, ledger);
  return client ? send(play, shared, *client) : serve(play, shared, incarnation);
}
