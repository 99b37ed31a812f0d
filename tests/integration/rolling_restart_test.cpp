// Servers that are restarted one after the other while others call them: no call fails.
#include <gtest/gtest.h>
#include <trestle/trestle.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t server_count = 4;
constexpr int restarts = 12;
constexpr int callers = 4;

/// Servers of one service; each has another address after its restart.
class Fleet {
 public:
  explicit Fleet(std::string listen_uri) : listen_uri_(std::move(listen_uri)) {
    for (std::size_t i = 0; i < server_count; ++i) start(i);
  }
  void restart(std::size_t i) {
    EXPECT_TRUE(servers_.at(i)->close().has_value());
    start(i);
  }
  /// With its id: a stranger may be listening at the address of one that has gone.
  PeerInfo server(std::size_t i) {
    const std::lock_guard lock(mutex_);
    return infos_.at(i);
  }
  int ran() const { return ran_; }

 private:
  void start(std::size_t i) {
    auto server = std::make_unique<Node>(NodeOptions{.workers = 2});
    const auto twice = [this](int value) {
      ++ran_;
      return 2 * value;
    };
    server->add(unary("twice", twice)).value();
    (void)server->listen(listen_uri_).value();
    PeerInfo info = server->info();
    servers_.at(i) = std::move(server);
    const std::lock_guard lock(mutex_);
    infos_.at(i) = std::move(info);
  }

  const std::string listen_uri_;
  std::atomic<int> ran_{0};
  std::array<std::unique_ptr<Node>, server_count> servers_;
  std::mutex mutex_;
  std::array<PeerInfo, server_count> infos_;
};

/// Asks one server after the other, until one runs it. Whatever did not run may run elsewhere.
Result<int> call_any(Node& client, Fleet& fleet, std::size_t first, int value) {
  Result<int> outcome = Error(Errc::unreachable, "no server");
  for (std::size_t i = 0; i < 3 * server_count; ++i) {
    const auto peer = client.connect(fleet.server((first + i) % server_count));
    if (peer.has_error()) {
      outcome = peer.error();
      continue;
    }
    outcome = peer->call<int>("twice", value);
    if (outcome.has_value() || outcome.error().ran != Ran::no) return outcome;
  }
  return outcome;
}

class RollingRestart : public ::testing::TestWithParam<const char*> {};

TEST_P(RollingRestart, FailsNoCallAndRunsNoneTwice) {
  Fleet fleet(GetParam());
  Node client({.log = [](LogLevel, std::string_view) {}});
  std::atomic<bool> over{false};
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back([&, first = static_cast<std::size_t>(i)]() mutable {
      while (!over) {
        const int value = ++made;
        const auto outcome = call_any(client, fleet, first++, value);
        ASSERT_TRUE(outcome.has_value()) << outcome.error();
        ASSERT_EQ(*outcome, 2 * value);
      }
    });
  }

  for (int i = 0; i < restarts; ++i) {
    const int before = made;
    while (made < before + 50 && !::testing::Test::HasFailure()) std::this_thread::yield();
    fleet.restart(static_cast<std::size_t>(i) % server_count);
  }
  over = true;
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(fleet.ran(), made);
}

INSTANTIATE_TEST_SUITE_P(Transports, RollingRestart,
                         ::testing::Values("inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& one) {
                           const std::string uri = one.param;
                           return uri.substr(0, uri.find(':'));
                         });

}  // namespace
}  // namespace trestle
