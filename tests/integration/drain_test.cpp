// How a node drains: what still ends, what is refused at once, and within which time it closes.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <atomic>
#include <chrono>
#include <future>
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
