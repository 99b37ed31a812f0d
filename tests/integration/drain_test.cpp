// How a node drains: what still ends, what is refused at once, and within which time it closes.
#include <gmock/gmock.h>
#include <trestle/statistics.hpp>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::TestNetwork;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int drains = 2'000;  // each node costs them much more
#else
constexpr int drains = 100'000;
#endif

LogFunction quiet() {
  return [](LogLevel, std::string_view) {};
}

TEST(Drain, AStuckHandlerIsNamedWithinTheBound) {
  std::promise<void> started, may_end;
  std::atomic<bool> ended{false};
  {
    Node server({.close_timeout = 100ms, .log = quiet()});
    const auto stuck = [&] {
      started.set_value();
      may_end.get_future().wait();
      ended = true;
    };
    server.add(am("stuck", stuck)).value();
    Node client({.log = quiet()});
    client.connect(server.listen("inproc://*").value()).value().send("stuck").value();
    started.get_future().wait();
    const auto before = std::chrono::steady_clock::now();

    const auto closed = server.close();

    EXPECT_TRUE(closed.error().is(Errc::deadline_exceeded));
    EXPECT_THAT(closed.error().text, HasSubstr("1 handlers or their replies (1 of 'stuck')"));
    EXPECT_GE(std::chrono::steady_clock::now() - before, 100ms);
    EXPECT_FALSE(ended) << "close() did not wait for it";
    may_end.set_value();
  }
  EXPECT_TRUE(ended) << "the destructor did";
}

TEST(Drain, AHandlerThatOutlivesCloseMayUseItsNode) {
  std::promise<void> started, may_end;
  Errc code{};
  {
    Node server({.close_timeout = 10ms, .log = quiet()});
    const auto late = [&](Context& context) {
      started.set_value();
      may_end.get_future().wait();
      const Peer sender = context.node.peer(context.sender);
      code = static_cast<Errc>(sender.call<int>("x").error().code.value());
      context.node.after(1ms, [] {});
      return 1;
    };
    server.add(unary("late", late)).value();
    Node client({.log = quiet()});
    const Peer peer = client.connect(server.listen("inproc://*").value()).value();
    peer.async_call<int>("late", 0, [](const Result<int>&) {});
    started.get_future().wait();
    EXPECT_TRUE(server.close().has_error());
    may_end.set_value();
  }

  EXPECT_EQ(code, Errc::shut_down);
}

TEST(Drain, TheTokenIsStoppedBeforeTheHandlersAreDone) {
  Node server({.close_timeout = 1h});
  std::promise<void> started;
  const auto tied = [&](Context& context) {
    started.set_value();
    std::promise<void> stopped;
    const std::stop_callback on_stop(context.node.stop_token(), [&] { stopped.set_value(); });
    stopped.get_future().wait();
    return 1;
  };
  server.add(unary("tied", tied)).value();
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  std::promise<int> reply;
  peer.async_call<int>("tied", 0, [&](const Result<int>& r) { reply.set_value(r.value()); });
  started.get_future().wait();

  EXPECT_TRUE(server.close().has_value());

  EXPECT_EQ(reply.get_future().get(), 1);
}

TEST(Drain, ACallbackOfTheTokenMayCloseOnceMore) {
  Node node;
  bool again = false;
  const std::stop_callback on_stop(node.stop_token(), [&] { again = node.close().has_value(); });

  EXPECT_TRUE(node.close().has_value());

  EXPECT_TRUE(again);
}

TEST(Drain, NestedRepliesStillArrive) {
  TestNetwork network;
  Node& server = network.add_node();
  Node& backend = network.add_node();
  Node& client = network.add_node();
  std::vector<Reply<int>> held;
  backend.add(unary("hold", [&](Reply<int> reply) { held.push_back(reply); })).value();
  const Peer behind = server.connect(backend.listen("inproc://*").value()).value();
  const auto pass_on = [behind](Reply<int> reply) {
    behind.async_call<int>("hold", 0, [reply](const Result<int>& r) { reply(r.value() + 1); });
  };
  server.add(unary("pass_on", pass_on)).value();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  int outcome = 0;
  peer.async_call<int>("pass_on", 0, [&](const Result<int>& r) { outcome = r.value(); });
  network.settle();
  ASSERT_EQ(held.size(), 1u);
  backend.after(1s, [&] { held.at(0)(6); });

  EXPECT_TRUE(server.close().has_value());
  network.settle();

  EXPECT_EQ(outcome, 7);
}

TEST(Drain, EveryMessageThatWaitsEndsWithAResultOrAFailure) {
  TestNetwork network;
  Node& server = network.add_node({.close_timeout = 1s, .log = quiet()});
  std::vector<Reply<int>> held;
  server
      .add(unary("hold", [&](Reply<int> reply) { held.push_back(std::move(reply)); },
                 {.concurrency_max = 1}))
      .value();
  Node& client = network.add_node();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  int answered = 0, refused = 0;
  for (int i = 0; i < 100; ++i) {
    peer.async_call<int>("hold", i, [&](const Result<int>& outcome) {
      outcome.has_value() ? ++answered : ++refused;
    });
  }
  network.settle();
  ASSERT_EQ(held.size(), 1u);
  server.after(500ms, [&] { held.at(0)(1); });

  EXPECT_TRUE(server.close().has_error());
  network.settle();

  EXPECT_EQ(answered, 1);
  EXPECT_EQ(refused, 99);
}

TEST(Drain, NoneOfManyMissesItsLastHandler) {
  // Each drain is one closing thread beside one worker that ends at any moment of it.
  std::atomic<int> ran{0};
  for (int round = 0; round < drains / 100; ++round) {
    Node node({.workers = 1, .close_timeout = 1h, .spin = Spin::off, .log = quiet()});
    node.add(am("note", [&] { ++ran; })).value();
    const Peer self = node.peer(node.instance_id());
    for (int i = 0; i < round % 4; ++i) self.send("note").value();

    ASSERT_TRUE(node.close().has_value());
  }
}

// A drain whose last handler ends while the leader, at the end of its turn, is in code of the
// application that sent or kept something.
class DrainBesideUserCode : public ::testing::Test {
 public:
  // What that code does: keep the leader until the handler has ended and said so.
  void hold_up() {
    may_end.count_down();
    while (node.statistics().messages_under_way != 0) std::this_thread::yield();
    leave_it_the_lock();
  }

 protected:
  DrainBesideUserCode() {
    const auto last = [this] {
      started.count_down();
      may_end.wait();
    };
    node.add(am("last", last)).value();
    node.peer(node.instance_id()).send("last").value();
    started.wait();
  }

  void expect_to_drain_once(const std::function<void()>& lets_go) {
    std::latch begins(1);
    const std::stop_callback on_stop(node.stop_token(), [&] { begins.count_down(); });
    auto closed = std::async(std::launch::async, [&] { return node.close(); });
    begins.wait();
    leave_it_the_lock();  // it waits for the handler by now
    const auto before = std::chrono::steady_clock::now();

    lets_go();

    EXPECT_TRUE(closed.get().has_value());
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  }

  /// So often that whoever wants the node's lock for one thing, and has nothing else to do, has had
  /// it. Where it has not, the test passes though it should not.
  void leave_it_the_lock() const {
    for (int i = 0; i < 1000; ++i) {
      std::this_thread::yield();
      static_cast<void>(node.statistics());
    }
  }

  std::latch started{1};
  std::latch may_end{1};
  Node other{{.heartbeat = 0s, .log = quiet()}};  // whatever comes would end a wait in vain
  Node node{{.close_timeout = 20s, .heartbeat = 0s, .log = quiet()}};
};

TEST_F(DrainBesideUserCode, GoesOnAfterAPayloadWasReleased) {
  std::latch taken(1);
  std::latch may_drop(1);
  const auto keep = [&](BytesView) {
    taken.count_down();
    may_drop.wait();
  };
  other.add(am("keep", keep)).value();
  const Peer peer = node.connect(other.listen("inproc://*").value()).value();
  const std::vector<std::byte> bytes(8192);
  const auto release = [](void* test) noexcept {
    static_cast<DrainBesideUserCode*>(test)->hold_up();
  };
  peer.send("keep", Payload::lend(bytes, release, static_cast<DrainBesideUserCode*>(this))).value();
  taken.wait();

  expect_to_drain_once([&] { may_drop.count_down(); });
}

TEST_F(DrainBesideUserCode, GoesOnAfterARemovedHandlerWasDestroyed) {
  std::shared_ptr<DrainBesideUserCode> owned(this, [](auto* test) { test->hold_up(); });
  node.add(unary("removed", [owned = std::move(owned)] { return 1; })).value();
  const Peer peer = other.connect(node.listen("inproc://*").value()).value();
  peer.call<int>("removed").value();
  node.remove("removed").value();

  expect_to_drain_once([&] { other.close().value(); });
}

TEST(Drain, OfManyNodesEndsTheCallsOfTenCallers) {
  TestNetwork network;
  Node& client = network.add_node({.heartbeat = 0s, .reconnect_window = 0s, .log = quiet()});
  int answered = 0;
  for (int round = 0; round < drains; round += 10) {
    // Ten drains of one node each would differ only in who is told: ten callers of one drain.
    ManualDriver& driver = network.driver();
    Node server({.driver = &driver, .log = quiet()});
    std::vector<Reply<int>> held;
    server.add(unary("hold", [&](Reply<int> reply) { held.push_back(reply); })).value();
    const Peer peer = client.connect(server.listen("inproc://*").value()).value();
    for (int i = 0; i < 10; ++i) {
      peer.async_call<int>("hold", i, [&](const Result<int>& r) { answered += r.has_value(); });
    }
    network.settle();
    server.after(1ms, [&] {
      for (const auto& reply : held) reply(1);
    });

    ASSERT_TRUE(server.close().has_value()) << round;
    network.settle();
    peer.disconnect();
  }

  EXPECT_EQ(answered, drains);
}

}  // namespace
}  // namespace trestle
