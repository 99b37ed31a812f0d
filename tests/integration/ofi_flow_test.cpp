// What the checks do not look at in libfabric: large packets among small ones, names, refusals.
#include <gmock/gmock.h>
#include <trestle/test_support/raw_peer.hpp>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <poll.h>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string pattern(std::size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i + seed) * 40503u >> 7);
  return bytes;
}

/// Both nodes serve `echo`; windows as narrow as they may be, so that credits run out all the time.
class OfiFlow : public ::testing::TestWithParam<const char*> {
 protected:
  OfiFlow() {
    for (Node* node : {&server, &client}) {
      node->add(unary("echo", [](Encoded in) { return in; }, {Execution::inline_})).value();
    }
    uri = server.listen(GetParam()).value();
  }

  Node server;
  Node client;
  std::string uri;
};

INSTANTIATE_TEST_SUITE_P(
    Uris, OfiFlow,
    ::testing::Values("ofi+tcp://127.0.0.1:0", "ofi+tcp://127.0.0.1:0?rx_buffers=8&rx_buffer=1KiB",
                      "ofi+tcp://127.0.0.1:0?rx_ahead=0B",
                      "ofi+tcp://127.0.0.1:0?rx_buffers=64&rx_ahead=8MiB&register=always",
                      "ofi+tcp://127.0.0.1:0?rx_buffers=8&rx_buffer=256B&register=always"),
    [](const auto& parameter) { return "Uri" + std::to_string(parameter.index); });

TEST_P(OfiFlow, LargeAndSmallPacketsPassEachOtherBothWays) {
  const Peer there = client.connect(uri).value();
  ASSERT_TRUE(there.call<std::string>("echo", std::string("hello")).has_value());
  std::atomic<int> wrong = 0;
  const auto chat = [&](unsigned seed) {
    for (unsigned i = 0; i < 25; ++i) {
      const std::string large = pattern((300 + 97 * seed) * 1000 + i, seed + i);
      const auto reply = there.call<Payload>("echo", Payload::copy(large));
      if (!reply.has_value() || reply->text() != large) ++wrong;
      const auto small = there.call<int>("echo", static_cast<int>(i));
      if (!small.has_value() || *small != static_cast<int>(i)) ++wrong;
    }
  };

  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) threads.emplace_back(chat, seed);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
}

/// Rooms are filled, missed and used up by what is too small or too large for them.
TEST_P(OfiFlow, FloodsOfManySizesArriveBothWays) {
  constexpr std::array<std::size_t, 6> sizes{10, 600'000, 1'100'000, 90'000, 40'000, 300};
  constexpr std::size_t runs = 12;
  std::atomic<std::size_t> arrived = 0;
  std::atomic<int> wrong = 0;
  for (Node* node : {&server, &client}) {
    node->add(am("keep",
                 [&](Encoded in) {
                   if (in.payload.text() != pattern(in.payload.size(), 1)) ++wrong;
                   ++arrived;
                 },
                 {Execution::inline_}))
        .value();
  }
  const Peer to_server = client.connect(uri).value();
  ASSERT_TRUE(to_server.call<int>("echo", 0).has_value());
  const Peer to_client = server.peer(client.instance_id());
  const auto flood = [&](const Peer& peer) {
    // Runs of one size bring rooms for it; single packets that are much smaller end them.
    const std::string single = pattern(17'000, 1);
    for (const std::size_t size : sizes) {
      const std::string bytes = pattern(size, 1);
      for (std::size_t i = 0; i < runs; ++i) peer.send("keep", Payload::copy(bytes)).value();
      for (std::size_t i = 0; i < runs; ++i) {
        if (!peer.call<Payload>("echo", Payload::copy(single)).has_value()) ++wrong;
      }
    }
  };

  std::thread back([&] { flood(to_client); });
  flood(to_server);
  back.join();

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(arrived, 2 * sizes.size() * runs);
}

/// Keeps what it gets, until somebody takes it.
class Keeper {
 public:
  void keep(Payload payload) {
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(payload));
    changed_.notify_all();
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return kept_.size() >= count; });
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return kept_.size();
  }
  void drop_all() {
    std::vector<Payload> dropped;
    const std::lock_guard lock(mutex_);
    dropped.swap(kept_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Payload> kept_;
};

TEST(OfiHolding, StopsAtRxHoldMaxAndGoesOnWhenAPacketComesBack) {
  Keeper keeper;
  Node server;
  server.add(am("keep", [&](Payload payload) { keeper.keep(std::move(payload)); })).value();
  server.add(unary("echo", [](int in) { return in; }, {Execution::inline_})).value();
  const std::string uri = server.listen("ofi+tcp://127.0.0.1:0?rx_hold_max=2").value();
  Node holding;
  Node other;
  const Peer there = holding.connect(uri).value();
  const Peer beside = other.connect(uri).value();
  const auto send = [&] { there.send("keep", Payload::copy(pattern(100'000, 1))).value(); };

  send();
  send();
  ASSERT_TRUE(keeper.wait_for(2)) << "as many as may be held";
  send();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(beside.call<int>("echo", i).has_value());
  EXPECT_EQ(keeper.count(), 2u) << "one more is not read";
  keeper.drop_all();

  EXPECT_TRUE(keeper.wait_for(1));
  EXPECT_TRUE(there.call<int>("echo", 1).has_value());
  keeper.drop_all();
}

std::string port_of(const std::string& uri) {
  return uri.substr(uri.rfind(':'));
}

// "127.1" is no literal address to the parser, but every C library looks it up without a network.
TEST(OfiNames, AreLookedUpToConnect) {
  Node server;
  Node client;
  const std::string port = port_of(server.listen("ofi+tcp://localhost:0").value());

  for (const char* host : {"localhost", "127.1"}) {
    const auto peer = client.connect("ofi+tcp://" + std::string(host) + port);

    EXPECT_TRUE(peer.has_value()) << host << ": " << peer.error().text;
  }
}

TEST(OfiNames, ThatDoNotExistAreRefusedWithTheName) {
  Node client;
  // A label above 63 bytes is refused by the resolver itself, before it asks anybody.
  const std::string name(70, 'x');

  const auto refused = client.connect("ofi+tcp://" + name + ":1");

  ASSERT_TRUE(refused.has_error());
  EXPECT_THAT(refused.error().text, HasSubstr("cannot look up the host name \"" + name));
}

TEST(OfiOptions, OutOfRangeAreRefusedWithTheirRange) {
  Node node;

  EXPECT_THAT(node.listen("ofi+tcp://127.0.0.1:0?rx_buffers=7").error().text,
              HasSubstr("rx_buffers"));
  EXPECT_THAT(node.listen("ofi+tcp://127.0.0.1:0?rx_buffer=2MiB").error().text,
              HasSubstr("256B to 1MiB"));
  EXPECT_THAT(node.listen("ofi+tcp://127.0.0.1:0?rx_ahead=65MiB").error().text,
              HasSubstr("option rx_ahead: expected at most 64MiB"));
  EXPECT_THAT(node.listen("ofi+tcp://127.0.0.1:0?rx_hold_max=65537").error().text,
              HasSubstr("rx_hold_max"));
  EXPECT_THAT(node.listen("ofi+tcp://127.0.0.1:0?bulk=maybe").error().text, HasSubstr("bulk"));
  EXPECT_THAT(node.listen("ofi+tcp://127.0.0.1:0?domain=no_such_device").error().text,
              HasSubstr("no_such_device"));
}

TEST(OfiProviders, ThatAreOfNoUseAreRefusedByNameWithOthers) {
  Node node;

  for (const char* uri : {"ofi+shm://127.0.0.1:0", "ofi+net://127.0.0.1:0",
                          "ofi+nosuch://127.0.0.1:0", "ofi://127.0.0.1:0?prov=udp"}) {
    const auto refused = node.listen(uri);

    ASSERT_TRUE(refused.has_error()) << uri;
    EXPECT_THAT(refused.error().text, HasSubstr("; providers that can be used here: ")) << uri;
    EXPECT_THAT(refused.error().text, HasSubstr("tcp")) << uri;
  }
}

/// libfabric's event queue keeps its descriptor ready when all was read. A host that polls and does
/// not sleep would read it again in each round, which takes longer than a message.
TEST(OfiPolling, AloneMakesTheDescriptorQuiet) {
  Node server;
  const std::string uri = server.listen("ofi+tcp://127.0.0.1:0").value();
  testing::TestNetwork clock;
  test_support::RawPeer peer(clock.driver(), uri);
  const auto until = std::chrono::steady_clock::now() + 20s;
  const auto is_ready = [&] {
    pollfd entry{peer.wait_fd(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
  };

  do {
    peer.settle();
  } while ((peer.frames_received() == 0 || is_ready()) && std::chrono::steady_clock::now() < until);

  EXPECT_GT(peer.frames_received(), 0u) << "it was connected, and heard the server's hello";
  EXPECT_FALSE(is_ready());
}

}  // namespace
}  // namespace trestle
