// Eight threads open, call, cancel, close and destroy the same nodes, in an order that a seed
// gives. TRESTLE_STORM_SEED repeats a run as far as threads allow, TRESTLE_STORM_SECONDS makes it
// longer.
#include <gtest/gtest.h>
#include <trestle/trestle.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t thread_count = 8;

unsigned number_from(const char* variable, unsigned otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// A node that several threads use, and what its handlers need. Whoever lets go last destroys it.
struct SharedNode {
  explicit SharedNode(std::atomic<int>& misjudged)
      : node({.workers = 2,
              .close_timeout = 20ms,
              .redial_delay_min = 1ms,
              .redial_delay_max = 10ms,
              .stop = stop.get_token(),
              .log = [](LogLevel, std::string_view) {}}) {
    const HandlerOptions in_turn{Execution::inline_};
    const auto echo = [](int value) { return value; };
    const auto later = [](Context& context, int value, Reply<int> reply) {
      context.node.after(100us, [value, reply] { reply(value); });
    };
    const auto hold = [this](int, Reply<int> reply) {
      const std::lock_guard lock(mutex);
      held.push_back(std::move(reply));
    };
    const auto close = [this, &misjudged](Context& context, int value) {
      const auto refused = context.node.close();
      if (refused.has_value() || !refused.error().is(Errc::would_block_for_ever)) ++misjudged;
      stop.request_stop();
      return value;
    };
    node.add(unary("echo", echo, in_turn)).value();
    node.add(unary("spawned", echo)).value();
    node.add(unary("later", later, in_turn)).value();
    node.add(unary("hold", hold, in_turn)).value();
    node.add(unary("close_inline", close, in_turn)).value();
    node.add(unary("close_spawned", close)).value();
  }

  std::stop_source stop;
  std::mutex mutex;
  std::vector<Reply<int>> held;
  Node node;  // last: it ends before what its handlers use
};

using SharedNodePtr = std::shared_ptr<SharedNode>;

/// One place at which nodes come and go.
class Place {
 public:
  struct Tenant {
    SharedNodePtr node;
    std::string uri;
  };

  Tenant look() {
    const std::lock_guard lock(mutex_);
    return tenant_;
  }
  /// Whoever was there goes without the lock.
  void move_in(Tenant tenant) {
    const std::lock_guard lock(mutex_);
    std::swap(tenant_, tenant);
  }

 private:
  std::mutex mutex_;
  Tenant tenant_;
};

class Teardown : public ::testing::TestWithParam<const char*> {
 protected:
  void storm(unsigned seed) {
    std::mt19937 random(seed);
    const auto until = std::chrono::steady_clock::now() + duration_;
    while (std::chrono::steady_clock::now() < until) act(random);
  }

  const std::chrono::seconds duration_{number_from("TRESTLE_STORM_SECONDS", 2)};
  std::array<Place, 3> places_;
  std::atomic<int> calls_{0};
  std::atomic<int> served_{0};
  std::atomic<int> started_{0};
  std::atomic<int> ended_{0};
  std::atomic<int> misjudged_{0};

 private:
  void act(std::mt19937& random) {
    Place& place = places_.at(random() % places_.size());
    switch (random() % 16) {
      case 0:
        return open(place);
      case 1:
        return place.move_in({});
      case 2:
        if (const auto tenant = place.look(); tenant.node != nullptr) {
          static_cast<void>(tenant.node->node.close());
        }
        return;
      default:
        return use(place, random);
    }
  }

  void open(Place& place) {
    Place::Tenant tenant{std::make_shared<SharedNode>(misjudged_), {}};
    tenant.uri = tenant.node->node.listen(GetParam()).value();
    place.move_in(std::move(tenant));
  }

  /// Calls from one tenant, most often of another.
  void use(Place& place, std::mt19937& random) {
    const auto from = place.look();
    const auto to = places_.at(random() % places_.size()).look();
    if (from.node == nullptr || to.node == nullptr) return;
    const auto peer = from.node->node.connect(to.uri, {.timeout = 200ms});
    if (peer.has_error()) return;
    constexpr std::array handlers{"echo",  "echo", "echo",         "spawned",
                                  "later", "hold", "close_inline", "close_spawned"};
    const char* handler = handlers.at(random() % handlers.size());
    switch (random() % 6) {
      case 0:
        return start(*peer, handler, {});
      case 1: {
        std::stop_source cancel;
        start(*peer, handler, cancel.get_token());
        cancel.request_stop();
        return;
      }
      case 2:
        peer->disconnect();
        return;
      case 3:
        static_cast<void>(peer->send(handler, 1));
        return;
      default:
        ++calls_;
        served_ += peer->with_timeout(20ms).call<int>(handler, 7).has_value() ? 1 : 0;
    }
  }

  void start(const Peer& peer, const char* handler, std::stop_token cancel) {
    ++started_;
    peer.with({.timeout = 50ms, .stop = std::move(cancel)})
        .async_call<int>(handler, 7, [this](const Result<int>&) { ++ended_; });
  }
};

INSTANTIATE_TEST_SUITE_P(Uris, Teardown,
                         ::testing::Values("inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& parameter) {
                           const std::string uri(parameter.param);
                           return uri.substr(0, uri.find(':'));
                         });

TEST_P(Teardown, StormsEndWithOneOutcomeForEachCall) {
  const unsigned seed = number_from("TRESTLE_STORM_SEED", std::random_device()());
  std::cout << "TRESTLE_STORM_SEED=" << seed << '\n';
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < thread_count; ++i) {
    threads.emplace_back([this, seed, i] { storm(seed + i); });
  }

  for (std::thread& thread : threads) thread.join();
  for (Place& place : places_) place.move_in({});

  EXPECT_EQ(ended_, started_) << "each call ends once, also with its node";
  EXPECT_GT(started_, 0);
  EXPECT_GT(served_, 0) << "the storm leaves time for calls to succeed, of " << calls_;
  EXPECT_EQ(misjudged_, 0) << "close() in a handler is refused";
}

}  // namespace
}  // namespace trestle
