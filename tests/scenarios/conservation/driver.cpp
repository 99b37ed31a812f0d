// Starts the others, kills servers while messages are under way, and audits the ledger.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "child.hpp"
#include "fresh_addresses.hpp"
#include "platform/sanitizers.hpp"
#include "roles.hpp"

namespace trestle::scenarios {
namespace {

using Clock = std::chrono::steady_clock;

/// From when a new server listens until a hundred messages have run there.
constexpr std::chrono::seconds recovery_max{platform::sanitized ? 10 : 2};

/// The processes of one play.
class Stage {
 public:
  Stage(const Play& play, const Ledger& ledger)
      : play_(play), ledger_(ledger), address_(addresses_.make(play.address)) {
    start_server();
    for (std::size_t client = 0; client < play.size.clients; ++client) {
      clients_.emplace_back(arguments("--client", client));
    }
    for (Child& client : clients_) client.read_line();  // it has begun, or ended
  }

  /// Kills the server again and again, each time some moments after messages have reached it, until
  /// the play is over and long enough. Returns how often; nothing if one of them was never reached.
  std::optional<int> kill_servers() {
    std::mt19937_64 random(play_.seed);
    const double mean = 1.0 / static_cast<double>(play_.kills_per_second);
    std::uniform_real_distribution<double> seconds(0, 2 * mean);
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(play_.duration);
    int kills = 0;
    while (is_reached_again()) {
      if (a_child_ends_within(seconds(random))) break;
      if (Clock::now() >= end && sent() >= play_.messages_min) return kills;
      server_->kill();
      start_server();
      ++kills;
    }
    return std::nullopt;
  }

  /// The longest time a new server was not reached.
  double longest_recovery_ms() const {
    return std::chrono::duration<double, std::milli>(longest_recovery_).count();
  }

  /// Lets the clients end, then the server. Returns how many said that something was left.
  int end() {
    ledger_.is_over() = true;
    int wrong = 0;
    for (Child& client : clients_) wrong += client.wait() == 0 ? 0 : 1;
    wrong += server_->wait() == 0 ? 0 : 1;
    return wrong;
  }

 private:
  std::vector<std::string> arguments(const char* role, std::uint64_t number) const {
    std::vector<std::string> all{address_,
                                 "--ledger",
                                 std::to_string(ledger_.descriptor()),
                                 "--clients",
                                 std::to_string(play_.size.clients),
                                 "--messages-max",
                                 std::to_string(play_.size.messages_max),
                                 "--threads",
                                 std::to_string(play_.threads),
                                 "--outstanding",
                                 std::to_string(play_.outstanding),
                                 "--large-bytes",
                                 std::to_string(play_.large_bytes),
                                 role,
                                 std::to_string(number)};
    for (const auto& plugin : play_.plugins) {
      all.insert(all.end(), {"--plugin", plugin.string()});
    }
    return all;
  }
  void start_server() {
    server_.emplace(arguments("--server", ++incarnation_));
    const std::string uri = server_->read_line();
    if (uri.empty()) std::fprintf(stderr, "driver: server %d does not listen\n", incarnation_);
    if (!uri.empty()) address_ = uri;
  }
  std::size_t sent() const {
    std::size_t sum = 0;
    for (std::size_t client = 0; client < play_.size.clients; ++client) {
      sum += ledger_.client(client).begun;
    }
    return sum;
  }
  /// Whether messages run, after the death of the server before this one.
  bool is_reached_again() {
    const std::uint64_t before = ledger_.runs();
    const auto start = Clock::now();
    while (ledger_.runs() < before + 100) {
      if (a_child_ends_within(0.001)) return false;
      if (Clock::now() < start + recovery_max) continue;
      std::fprintf(stderr, "driver: server %d listens, but was not reached for %jd s\n",
                   incarnation_, static_cast<std::intmax_t>(recovery_max.count()));
      return false;
    }
    longest_recovery_ = std::max(longest_recovery_, Clock::now() - start);
    return true;
  }
  /// No process may end by itself before the play is over.
  bool a_child_ends_within(double seconds) const {
    std::vector<pollfd> ends{{server_->descriptor(), POLLIN, 0}};
    for (const Child& client : clients_) ends.push_back({client.descriptor(), POLLIN, 0});
    const int ended = ::poll(ends.data(), ends.size(), static_cast<int>(1000 * seconds));
    if (ended > 0) std::fprintf(stderr, "driver: a process ended before its time\n");
    return ended > 0;
  }

  const Play& play_;
  const Ledger& ledger_;
  FreshAddresses addresses_;
  std::string address_;
  int incarnation_ = 0;
  Clock::duration longest_recovery_{0};
  std::optional<Child> server_;
  std::vector<Child> clients_;
};

/// What the ledger says.
struct Audit {
  std::size_t begun = 0;
  std::size_t succeeded = 0;
  std::size_t admitted = 0;
  std::size_t admitted_and_ran = 0;
  std::size_t not_run = 0;
  std::size_t may_have_run = 0;
  std::size_t may_have_run_and_ran = 0;
  // Must not be.
  std::size_t without_end = 0;
  std::size_t twice = 0;
  std::size_t ran_and_denied = 0;       // told that it did not run, and it did
  std::size_t not_run_and_claimed = 0;  // told that it ran, and it did not

  void add(const Entry& entry) {
    const int runs = entry.runs;
    ++begun;
    twice += runs > 1 ? 1 : 0;
    switch (entry.fate.load()) {
      case Fate::none:
        ++without_end;
        break;
      case Fate::admitted:
        ++admitted;
        admitted_and_ran += runs > 0 ? 1 : 0;
        break;
      case Fate::succeeded:
        ++succeeded;
        not_run_and_claimed += runs == 0 ? 1 : 0;
        break;
      case Fate::not_run:
        ++not_run;
        ran_and_denied += runs > 0 ? 1 : 0;
        break;
      case Fate::may_have_run:
        ++may_have_run;
        may_have_run_and_ran += runs > 0 ? 1 : 0;
        break;
      case Fate::ran:
        ++not_run_and_claimed;
        break;
    }
  }
  std::size_t wrong() const { return without_end + twice + ran_and_denied + not_run_and_claimed; }
  void print() const {
    std::printf(
        "  %zu sent = %zu succeeded + %zu admitted without an answer + %zu failed, did not run + "
        "%zu failed, may have run + %zu without an end\n"
        "  of those admitted %zu ran, of those that may have run %zu; the others were lost with a "
        "server\n"
        "  wrong: %zu without an end, %zu ran twice, %zu ran and were denied, %zu claimed "
        "falsely\n",
        begun, succeeded, admitted, not_run, may_have_run, without_end, admitted_and_ran,
        may_have_run_and_ran, without_end, twice, ran_and_denied, not_run_and_claimed);
  }
};

void print_reasons(const Ledger& ledger) {
  for (std::size_t code = 0; code < 256; ++code) {
    std::uint64_t count = 0;
    for (std::size_t client = 0; client < ledger.size().clients; ++client) {
      count += ledger.client(client).reasons.at(code);
    }
    if (count == 0) continue;
    const auto name = to_string(static_cast<Errc>(code));
    std::printf("  %8ju failed as %.*s\n", static_cast<std::uintmax_t>(count),
                static_cast<int>(name.size()), name.data());
  }
}

}  // namespace

int drive(const Play& play) {
  const Ledger ledger(play.size);
  Stage stage(play, ledger);
  const std::optional<int> kills = stage.kill_servers();
  const int dissatisfied = stage.end();
  Audit audit;
  for (std::size_t client = 0; client < play.size.clients; ++client) {
    const std::size_t begun = ledger.client(client).begun;
    for (std::size_t number = 0; number < begun; ++number) audit.add(ledger.entry(client, number));
  }
  std::printf("%s: %d servers killed; each new one was reached within %.0f ms\n",
              play.address.c_str(), kills.value_or(0), stage.longest_recovery_ms());
  audit.print();
  print_reasons(ledger);
  const bool is_telling = kills > 2 && audit.succeeded > 0 && audit.may_have_run > 0;
  if (!is_telling) std::printf("  too little happened for this to prove anything\n");
  return dissatisfied == 0 && audit.wrong() == 0 && is_telling ? 0 : 1;
}

}  // namespace trestle::scenarios
