// How many runs of a handler, and of workers, may be under way at once.
#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace trestle {
namespace {

using testing::TestNetwork;

TEST(HandlerLimits, APermitLivesUntilTheReply) {
  std::vector<Reply<int>> running;
  TestNetwork network;
  Node& server = network.add_node();
  Node& client = network.add_node();
  server
      .add(unary("hold", [&](Reply<int> reply) { running.push_back(reply); },
                 {.concurrency_max = 4}))
      .value();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();

  for (int i = 0; i < 10; ++i) ASSERT_TRUE(peer.send("hold").has_value());
  network.settle();
  EXPECT_EQ(running.size(), 4u);

  running[0](1);
  network.settle();
  EXPECT_EQ(running.size(), 5u);

  for (std::size_t i = 1; i < 10; ++i) {
    running.at(i)(1);
    network.settle();
  }
  EXPECT_EQ(running.size(), 10u);
}

TEST(HandlerLimits, NeverStartWhatIsPastItsDeadline) {
  std::vector<Reply<int>> running;
  TestNetwork network;
  Node& server = network.add_node();
  Node& client = network.add_node();
  server
      .add(unary("hold", [&](Reply<int> reply) { running.push_back(reply); },
                 {.concurrency_max = 1}))
      .value();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  ASSERT_TRUE(peer.send("hold").has_value());

  const auto late = peer.with_timeout(std::chrono::milliseconds(200)).call<int>("hold");
  running.at(0)(1);
  network.settle();

  EXPECT_TRUE(late.error().is(Errc::deadline_exceeded));
  EXPECT_EQ(running.size(), 1u);
  EXPECT_EQ(server.counters().messages_refused, 1u);
}

TEST(HandlerLimits, RefuseWhatWaitsBeyondTheQueue) {
  std::vector<Reply<int>> running;
  TestNetwork network;
  Node& server = network.add_node({.spawn_queue_messages = 1});
  Node& client = network.add_node();
  server
      .add(unary("hold", [&](Reply<int> reply) { running.push_back(reply); },
                 {.concurrency_max = 1}))
      .value();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(peer.send("hold").has_value());
  network.settle();

  const auto refused = peer.call<int>("hold");

  EXPECT_TRUE(refused.error().is(Errc::overloaded)) << refused.error().text;
  EXPECT_EQ(refused.error().ran, Ran::no);
  for (std::size_t i = 0; i < 2; ++i) {
    running.at(i)(1);
    network.settle();
  }
}

TEST(HandlerLimits, RefusePayloadsBeyondTheBytesThatMayWait) {
  std::vector<Reply<int>> running;
  TestNetwork network;
  Node& server = network.add_node({.spawn_queue_bytes = 1000});
  server
      .add(unary("hold", [&](BytesView, Reply<int> reply) { running.push_back(reply); },
                 {.concurrency_max = 1}))
      .value();
  const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();
  const std::string payload(600, 'x');
  for (int i = 0; i < 2; ++i) {  // one runs, one waits
    ASSERT_TRUE(peer.send("hold", payload).has_value());
    network.settle();
  }

  const auto refused = peer.call<int>("hold", payload);

  EXPECT_TRUE(refused.error().is(Errc::overloaded)) << refused.error().text;
  EXPECT_EQ(refused.error().ran, Ran::no);
  for (std::size_t i = 0; i < 2; ++i) {
    running.at(i)(1);
    network.settle();
  }
  ASSERT_TRUE(peer.send("hold", payload).has_value());
  network.settle();
  EXPECT_EQ(running.size(), 3u) << "what ran gave its bytes back";
  running.back()(1);
}

TEST(HandlerLimits, HoldForWhatOneConnectionHasUnderWay) {
  std::vector<Reply<int>> running;
  TestNetwork network;
  Node& server = network.add_node({.requests_max = 2});
  const auto hold = [&](Reply<int> reply) { running.push_back(reply); };
  server.add(unary("hold", hold, {.execution = Execution::inline_})).value();
  server.add(unary("seven", [] { return 7; }, {.execution = Execution::inline_})).value();
  const std::string uri = server.listen("inproc://*").value();
  const Peer greedy = network.add_node().connect(uri).value();
  const Peer other = network.add_node().connect(uri).value();
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(greedy.send("hold").has_value());
  network.settle();

  const auto refused = greedy.call<int>("seven");

  EXPECT_TRUE(refused.error().is(Errc::overloaded)) << refused.error().text;
  EXPECT_EQ(refused.error().ran, Ran::no);
  EXPECT_EQ(other.call<int>("seven").value(), 7);
  for (const Reply<int>& reply : running) reply(1);
  EXPECT_EQ(greedy.call<int>("seven").value(), 7);
}

TEST(HandlerLimits, HoldForInlineHandlersToo) {
  std::vector<std::string> order;
  std::vector<Reply<std::string>> running;
  TestNetwork network;
  Node& server = network.add_node();
  server
      .add(unary("hold",
                 [&](std::string name, Reply<std::string> reply) {
                   order.push_back(name);
                   running.push_back(reply);
                 },
                 {.execution = Execution::inline_, .concurrency_max = 1}))
      .value();
  const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();

  for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(peer.send("hold", name).has_value());
  network.settle();
  EXPECT_EQ(order, std::vector<std::string>{"a"});
  running[0]("done");
  network.settle();

  EXPECT_EQ(order, (std::vector<std::string>{"a", "b"})) << "in the order of arrival";
}

/// Handlers that stay until they are let go, and the most that were in there at once.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    peak_ = std::max(peak_, ++inside_);
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --inside_;
  }
  void wait_until_inside(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= count; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int peak() {
    const std::lock_guard lock(mutex_);
    return peak_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
  int peak_ = 0;
};

TEST(HandlerLimits, NeverMoreThanTheWorkersRunAtOnce) {
  Gate gate;
  Node server({.workers = 4});
  server.add(ack("pass", [&gate] { gate.pass(); })).value();
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();

  std::vector<std::thread> callers;
  for (int i = 0; i < 10; ++i) {
    callers.emplace_back([&peer] { EXPECT_TRUE(peer.confirm("pass").has_value()); });
  }
  gate.wait_until_inside(4);
  gate.open();
  for (std::thread& caller : callers) caller.join();

  EXPECT_EQ(gate.peak(), 4);
}

TEST(HandlerLimits, AFullSpawnQueueRefusesAsOverloaded) {
  Gate gate;
  Node server({.workers = 1, .spawn_queue_messages = 1});
  server.add(ack("pass", [&gate] { gate.pass(); })).value();
  server.add(unary("seven", [] { return 7; }, {Execution::inline_})).value();
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();

  ASSERT_TRUE(peer.send("pass").has_value());
  gate.wait_until_inside(1);
  ASSERT_TRUE(peer.send("pass").has_value());
  const auto refused = peer.confirm("pass");
  gate.open();

  EXPECT_TRUE(refused.error().is(Errc::overloaded)) << refused.error().text;
  EXPECT_EQ(refused.error().ran, Ran::no);
  EXPECT_EQ(peer.call<int>("seven").value(), 7);
}

TEST(HandlerLimits, WorkersThatCallEachOtherDoNotDeadlock) {
  Node left({.workers = 1});
  Node right({.workers = 1});
  const Peer to_left = right.connect(left.listen("inproc://*").value()).value();
  const Peer to_right = left.connect(right.listen("inproc://*").value()).value();
  left.add(unary("descend",
                 [&](int depth) {
                   return depth == 0 ? 0 : 1 + to_right.call<int>("descend", depth - 1).value();
                 }))
      .value();
  right
      .add(unary("descend",
                 [&](int depth) {
                   return depth == 0 ? 0 : 1 + to_left.call<int>("descend", depth - 1).value();
                 }))
      .value();

  EXPECT_EQ(to_left.call<int>("descend", 20).value(), 20);
}

TEST(HandlerLimits, DeeperNestingThanTheBoundIsRefusedNotDeadlocked) {
  Node left({.workers = 1});
  Node right({.workers = 1});
  const Peer to_left = right.connect(left.listen("inproc://*").value()).value();
  const Peer to_right = left.connect(right.listen("inproc://*").value()).value();
  left.add(unary("descend", [&]() -> Result<int> { return to_right.call<int>("descend"); }))
      .value();
  right.add(unary("descend", [&]() -> Result<int> { return to_left.call<int>("descend"); }))
      .value();

  const auto outcome = to_left.call<int>("descend");

  EXPECT_TRUE(outcome.error().is(Errc::overloaded)) << outcome.error().text;
}

TEST(HandlerLimits, ABlockingCallInAnInlineHandlerWaitsWithinTheTurn) {
  Node server;
  Node client;
  client.add(unary("seven", [] { return 7; })).value();
  const Peer back = server.connect(client.listen("inproc://*").value()).value();
  server
      .add(unary("calls", [&]() -> Result<int> { return back.call<int>("seven"); },
                 {Execution::inline_}))
      .value();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();

  const auto outcome = peer.call<int>("calls");

  ASSERT_TRUE(outcome.has_value()) << outcome.error().text;
  EXPECT_EQ(*outcome, 7);
}

TEST(HandlerLimits, NeverStartWhatExpiredWhileOthersOfItsPacketRan) {
  TestNetwork network;
  Node& server = network.add_node();
  int runs = 0;
  server
      .add(unary("slow",
                 [&] {
                   network.clock().advance(std::chrono::milliseconds(600));
                   return ++runs;
                 },
                 {.execution = Execution::inline_}))
      .value();
  const Peer peer = network.add_node()
                        .connect(server.listen("inproc://*").value())
                        .value()
                        .with_timeout(std::chrono::milliseconds(1100));
  network.clock().advance(std::chrono::seconds(1));

  peer.async_call<int>("slow", 0, [&](const Result<int>&) {
    // Within a turn, so that all three leave in one packet.
    for (int i = 0; i < 3; ++i) {
      peer.async_call<int>("slow", 0, [](const Result<int>&) {});
    }
  });
  network.settle();

  EXPECT_EQ(runs, 3);  // the first, and two of the three
}

TEST(Window, IsNotLeftFullOfMessagesThatAreDone) {
  testing::TestNetwork network;
  Node& server = network.add_node({.requests_max = 8});
  std::vector<Reply<int>> unanswered;
  int noted = 0;
  server.add(unary("wait", [&](Reply<int> reply) { unanswered.push_back(reply); })).value();
  server.add(am("note", [&] { ++noted; }, {.execution = Execution::inline_})).value();
  const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();
  const auto wait = [&] { peer.async_call<int>("wait", 0, [](const Result<int>&) {}); };

  // Too few to be announced by themselves, until calls take up the rest of the window.
  peer.send("note").value();
  network.settle();
  for (int i = 0; i < 7; ++i) wait();
  network.settle();
  peer.send("note").value();
  network.settle();

  EXPECT_EQ(noted, 2);
  EXPECT_EQ(unanswered.size(), 7u);
}

TEST(Window, IsNotLeftFullWhileInlineHandlersWait) {
  testing::TestNetwork network;
  Node& server = network.add_node({.requests_max = 5});
  Node& client = network.add_node();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  const Peer back = server.peer(client.instance_id());
  const HandlerOptions at_once{.execution = Execution::inline_};
  server
      .add(am(
          "note", [] {}, at_once))
      .value();
  server
      .add(unary(
          "leaf", [] { return 1; }, at_once))
      .value();
  server
      .add(unary(
          "relay", [&] { return back.call<int>("back"); }, at_once))
      .value();
  client.add(unary("back", [&] { return peer.call<int>("leaf"); })).value();
  int replies = 0;

  peer.send("note").value();  // done, but not yet worth an announcement
  network.settle();
  for (int i = 0; i < 4; ++i) {
    peer.async_call<int>("relay", 0, [&](const Result<int>& reply) { replies += reply.value(); });
  }
  network.settle();

  EXPECT_EQ(replies, 4);
}

TEST(Nesting, OfBlockingCallsInInlineHandlersEndsAtItsLimit) {
  Node node;
  const Peer self = node.peer(node.instance_id());
  std::string refusal;
  node.add(unary("deep",
                 [&](int level) -> Result<int> {
                   auto deeper = self.call<int>("deep", level + 1);
                   if (deeper.has_value()) return deeper;
                   refusal = deeper.error().text;
                   return level;
                 },
                 {.execution = Execution::inline_}))
      .value();

  EXPECT_EQ(self.call<int>("deep", 1).value(), 16);
  EXPECT_NE(refusal.find("nested 16 deep, which is the limit"), std::string::npos) << refusal;
}

TEST(Nesting, IsRefusedAcrossNodes) {
  Node first;
  Node second;
  second.add(unary("one", [] { return 1; })).value();
  const Peer other = first.connect(second.listen("inproc://*").value()).value();
  Node third;
  third
      .add(
          unary("relay", [&] { return other.call<int>("one"); }, {.execution = Execution::inline_}))
      .value();

  const auto refused = third.peer(third.instance_id()).call<int>("relay");

  EXPECT_NE(refused.error().text.find("of one node inside an inline handler or a timer of another"),
            std::string::npos)
      << refused.error().text;
}

}  // namespace
}  // namespace trestle
