// Four server processes that are replaced one after the other while others call them: no call
// fails, and none runs twice.
#include <gtest/gtest.h>
#include <trestle/trestle.hpp>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "child_process.hpp"
#include "run_ledger.hpp"

namespace trestle::faults {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t server_count = 4;
constexpr std::size_t restarts = 16;
constexpr std::size_t callers = 3;
constexpr int calls_between = 30;

/// A folder for the ledger, gone at the end.
class LedgerFile {
 public:
  LedgerFile() {
    std::string name = (std::filesystem::temp_directory_path() / "trestle-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the ledger");
    folder_ = name;
  }
  ~LedgerFile() { std::filesystem::remove_all(folder_); }
  LedgerFile(const LedgerFile&) = delete;
  LedgerFile& operator=(const LedgerFile&) = delete;

  std::string path() const { return (folder_ / "ledger").string(); }

 private:
  std::filesystem::path folder_;
};

/// Processes of one service; each has another address after its restart.
class Fleet {
 public:
  Fleet(std::string listen_uri, std::string ledger)
      : listen_uri_(std::move(listen_uri)), ledger_(std::move(ledger)) {
    for (std::size_t i = 0; i < server_count; ++i) start(i);
  }
  /// In good order: the old one answers what it took, and is gone before the new one begins.
  void restart(std::size_t i) {
    EXPECT_EQ(servers_.at(i)->end(), EXIT_SUCCESS);
    start(i);
  }
  std::string uri(std::size_t i) {
    const std::lock_guard lock(mutex_);
    return uris_.at(i);
  }

 private:
  void start(std::size_t i) {
    const std::vector<std::string> command{TRESTLE_RESTART_SERVER, listen_uri_, ledger_};
    servers_.at(i) = std::make_unique<ChildProcess>(command);
    const std::string uri = servers_.at(i)->read_line(20s);
    ASSERT_FALSE(uri.empty());
    const std::lock_guard lock(mutex_);
    uris_.at(i) = uri;
  }

  const std::string listen_uri_;
  const std::string ledger_;
  std::array<std::unique_ptr<ChildProcess>, server_count> servers_;
  std::mutex mutex_;
  std::array<std::string, server_count> uris_;
};

/// Asks one server after the other, until one runs it. Whatever did not run may run elsewhere.
Result<int> call_any(Node& client, Fleet& fleet, std::size_t first, int number) {
  Result<int> outcome = Error(Errc::unreachable, "no server");
  for (std::size_t i = 0; i < 3 * server_count; ++i) {
    const auto peer = client.connect(fleet.uri((first + i) % server_count));
    if (peer.has_error()) {
      outcome = peer.error();
      continue;
    }
    outcome = peer->call<int>("twice", number);
    if (outcome.has_value() || outcome.error().ran != Ran::no) return outcome;
  }
  return outcome;
}

class RestartedProcesses : public ::testing::TestWithParam<const char*> {};

TEST_P(RestartedProcesses, FailNoCallAndRunNoneTwice) {
  const LedgerFile file;
  const RunLedger ledger(file.path());
  Fleet fleet(GetParam(), file.path());
  Node client({.log = [](LogLevel, std::string_view) {}});
  std::atomic<bool> over{false};
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < callers; ++i) {
    threads.emplace_back([&, first = i]() mutable {
      while (!over) {
        const int number = ++made;
        const auto outcome = call_any(client, fleet, first++, number);
        ASSERT_TRUE(outcome.has_value()) << outcome.error();
        ASSERT_EQ(*outcome, 2 * number);
      }
    });
  }

  for (std::size_t i = 0; i < restarts; ++i) {
    const int before = made;
    while (made < before + calls_between && !HasFailure()) std::this_thread::yield();
    fleet.restart(i % server_count);
  }
  over = true;
  for (std::thread& thread : threads) thread.join();

  ASSERT_LT(made, static_cast<int>(RunLedger::calls_max));
  for (int number = 1; number <= made; ++number) ASSERT_EQ(ledger.runs_of(number), 1) << number;
}

INSTANTIATE_TEST_SUITE_P(Transports, RestartedProcesses,
                         ::testing::Values("unix://*", "tcp://127.0.0.1:0"), [](const auto& one) {
                           const std::string uri = one.param;
                           return uri.substr(0, uri.find(':'));
                         });

}  // namespace
}  // namespace trestle::faults
