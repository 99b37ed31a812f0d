// A node's life: start, close, start again, and what is left of it.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::TestNetwork;

std::size_t entries_of(const char* directory) {
  const std::filesystem::directory_iterator entries(directory);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST(NodeLife, DefaultsAreWhatTheHeaderSays) {
  const NodeOptions options;

  EXPECT_EQ(options.calls_max, 65'535u);
  EXPECT_EQ(options.call_timeout, std::chrono::seconds(30));
  EXPECT_EQ(options.handshake_timeout, std::chrono::seconds(2));
  EXPECT_EQ(options.close_timeout, std::chrono::seconds(5));
}

TEST(NodeLife, ClosingTwiceIsClosingOnce) {
  Node node;
  node.listen("inproc://*").value();

  EXPECT_TRUE(node.close().has_value());
  EXPECT_TRUE(node.close().has_value());
}

TEST(NodeLife, AClosedNodeRefusesByName) {
  Node server;
  const std::string uri = server.listen("inproc://*").value();
  Node node;
  const Peer peer = node.connect(uri).value();
  node.close().value();

  EXPECT_TRUE(node.listen("inproc://*").error().is(Errc::shut_down));
  EXPECT_TRUE(node.connect(uri).error().is(Errc::shut_down));
  EXPECT_TRUE(peer.call<int>("x").error().is(Errc::shut_down));
  EXPECT_TRUE(peer.send("x").error().is(Errc::shut_down));
  EXPECT_TRUE(node.add(am("x", [] {})).error().is(Errc::shut_down));
}

TEST(NodeLife, AHandleMayOutliveItsNode) {
  Node server;
  const std::string uri = server.listen("inproc://*").value();
  Peer peer;
  {
    Node node;
    peer = node.connect(uri).value();
  }

  EXPECT_TRUE(peer.call<int>("x").error().is(Errc::shut_down));
  EXPECT_FALSE(peer.is_connected());
}

TEST(NodeLife, AReplyMayOutliveItsNode) {
  std::vector<Reply<int>> held;
  {
    TestNetwork network;
    Node& server = network.add_node({.close_timeout = std::chrono::milliseconds(1)});
    server.add(unary("hold", [&](Reply<int> reply) { held.push_back(reply); })).value();
    const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();
    peer.send("hold").value();
    network.settle();
  }

  held.at(0)(7);
}

TEST(NodeLife, ClosesWithRepliesThatWaitForATimer) {
  TestNetwork network;
  Node& server = network.add_node({.close_timeout = std::chrono::milliseconds(1)});
  const auto in_an_hour = [](Context& context, Reply<int> reply) {
    context.node.after(std::chrono::hours(1), [reply] { reply(7); });
  };
  server.add(unary("in_an_hour", in_an_hour, {.execution = Execution::inline_})).value();
  const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();
  const auto given_up = peer.with_timeout(std::chrono::seconds(1)).call<int>("in_an_hour");
  ASSERT_TRUE(given_up.error().is(Errc::deadline_exceeded));

  // Dropping the timer drops the reply, which then wants to tell its caller so.
  const auto closed = server.close();

  ASSERT_TRUE(closed.has_error());
  EXPECT_THAT(closed.error().text, HasSubstr("1 handlers"));
}

TEST(NodeLife, APayloadMayOutliveItsNode) {
  Payload kept;
  {
    Node server({.log = [](LogLevel, std::string_view) {}});
    server.add(unary("large", [] { return Payload::copy(std::string(1 << 20, 'x')); })).value();
    Node client({.log = [](LogLevel, std::string_view) {}});
    kept =
        client.connect(server.listen("inproc://*").value()).value().call<Payload>("large").value();
  }

  EXPECT_EQ(kept.text(), std::string(1 << 20, 'x'));
}

TEST(NodeLife, AParentsStopClosesTheNodeNotTheReverse) {
  std::stop_source parent;
  Node first({.stop = parent.get_token()});
  Node second({.stop = parent.get_token()});
  first.close().value();
  EXPECT_FALSE(parent.stop_requested());
  EXPECT_TRUE(second.listen("inproc://*").has_value());

  parent.request_stop();

  EXPECT_TRUE(second.listen("inproc://*").error().is(Errc::shut_down));
}

TEST(NodeLife, AHandlerMayStopItsNode) {
  for (const Execution execution : {Execution::spawn, Execution::inline_}) {
    std::stop_source parent;
    Node client;
    {
      Node server({.stop = parent.get_token()});
      server.add(ack("quit", [&] { parent.request_stop(); }, {execution})).value();
      const Peer peer = client.connect(server.listen("inproc://*").value()).value();

      EXPECT_TRUE(peer.confirm("quit").has_value()) << "its own outcome still leaves";
      while (server.listen("inproc://*").has_value()) std::this_thread::yield();
    }
  }
}

TEST(NodeLife, PendingCallsEndWhenTheirNodeCloses) {
  std::vector<Reply<int>> held;
  Node server;
  std::promise<void> holding;
  server
      .add(unary("hold",
                 [&](Reply<int> reply) {
                   held.push_back(reply);
                   holding.set_value();
                 }))
      .value();
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  Result<int> outcome = 0;
  std::thread caller([&] { outcome = peer.call<int>("hold"); });
  holding.get_future().wait();

  client.close().value();
  caller.join();
  held.clear();

  EXPECT_TRUE(outcome.has_error());
}

TEST(NodeLife, CloseSaysWhatIsStillBusy) {
  std::vector<Reply<int>> held;
  TestNetwork network;
  Node& server = network.add_node({.log = [](LogLevel, std::string_view) {}});
  server.add(unary("hold", [&](Reply<int> reply) { held.push_back(reply); })).value();
  const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();
  peer.send("hold").value();
  network.settle();

  const TimePoint before = server.now();
  const auto closed = server.close();

  EXPECT_TRUE(closed.error().is(Errc::deadline_exceeded));
  EXPECT_THAT(closed.error().text, HasSubstr("1 handlers"));
  EXPECT_GE(server.now() - before, std::chrono::seconds(5));
  EXPECT_LE(server.now() - before, std::chrono::seconds(7));
}

TEST(NodeLife, AHandlerMayHoldAPeerOfItsNode) {
  const auto held = std::make_shared<int>();
  {
    TestNetwork network;
    Node& node = network.add_node();
    const Peer peer = node.peer(node.instance_id());
    node.add(am("pass_on", [peer, held] { (void)peer.send("x"); })).value();
  }

  EXPECT_EQ(held.use_count(), 1) << "the node must not keep itself alive through its handlers";
}

TEST(NodeLife, MessagesThatWaitForAPermitGoWithTheNode) {
  const auto held = std::make_shared<int>();
  std::vector<Reply<int>> unanswered;
  std::promise<void> waiting;
  {
    Node node({.workers = 2,
               .close_timeout = std::chrono::milliseconds(20),
               .log = [](LogLevel, std::string_view) {}});
    const Peer self = node.peer(node.instance_id());
    const auto never = [&](Reply<int> reply) {
      unanswered.push_back(std::move(reply));
      waiting.set_value();
    };
    const auto wait = [self, held] { EXPECT_TRUE(self.call<int>("never").has_error()); };
    node.add(unary("never", never, {Execution::inline_})).value();
    node.add(am("wait", wait, {.concurrency_max = 1})).value();
    for (int i = 0; i < 10; ++i) self.send("wait").value();
    waiting.get_future().wait();

    EXPECT_TRUE(node.close().error().is(Errc::deadline_exceeded));
    unanswered.clear();
  }

  EXPECT_EQ(held.use_count(), 1);
}

TEST(NodeLife, LeavesNoDescriptorAndNoThread) {
  const Node first;  // stays: what the process, or a sanitizer, starts once counts on both sides
  const std::size_t threads = entries_of("/proc/self/task");
  const std::size_t descriptors = entries_of("/proc/self/fd");

  for (int i = 0; i < 1000; ++i) {
    Node node;
    node.listen("inproc://*").value();
  }

  EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
  // The kernel lists a thread a little longer than join() waits for it.
  while (entries_of("/proc/self/task") != threads) std::this_thread::yield();
}

TEST(NodeLife, ClosingEndsWithTheLastHandlerNotWithTheTimeout) {
  Node server({.close_timeout = 1h});
  std::promise<void> started, may_end;
  server
      .add(unary("slow",
                 [&] {
                   started.set_value();
                   may_end.get_future().wait();
                   return 1;
                 }))
      .value();
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  std::promise<int> reply;
  peer.async_call<int>("slow", 0, [&](const Result<int>& r) { reply.set_value(r.value()); });
  started.get_future().wait();
  std::thread closer([&] { server.close().value(); });
  // Refused from when closing began, so that the handler ends while close() waits for it.
  while (!peer.call<int>("none", 0).error().is(Errc::draining)) {
  }

  may_end.set_value();
  closer.join();

  EXPECT_EQ(reply.get_future().get(), 1);
}

TEST(NodeLife, ClosingIsNoticedByALeaderThatPolls) {
  for (int round = 0; round < 20; ++round) {
    Node node({.workers = 1, .spin = Spin::on});
    node.add(unary("x", [](int value) { return value; }, {Execution::inline_})).value();
    const Peer self = node.peer(node.instance_id());
    node.after(1h, [] {});  // otherwise a timer of a call would end the sleep that must not begin
    std::atomic<int> done{0};
    for (int i = 0; i < 500; ++i) {
      self.async_call<int>("x", i, [&](const Result<int>&) { ++done; });
    }
    while (done < 500) std::this_thread::yield();

    node.close().value();
  }
}

TEST(NodeLife, PayloadsAreReleasedWithoutALockOfTheNode) {
  Node server({.message_bytes_max = 1 << 16});
  server.add(unary("size", [](BytesView bytes) { return bytes.size(); }, {Execution::inline_}))
      .value();
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  const std::vector<std::byte> bytes(1 << 17);
  struct Released {
    Node& node;
    std::atomic<int> times{0};
  } released{client};
  const auto lend = [&](std::size_t size) {
    return Payload::lend(
        BytesView(bytes).first(size),
        [](void* owner) noexcept {
          auto& self = *static_cast<Released*>(owner);
          self.node.counters();  // takes the lock
          ++self.times;
        },
        &released);
  };

  // Copied, lent on, and too large to be sent.
  for (const std::size_t size : {64u, 8192u, 1u << 17}) {
    EXPECT_EQ(peer.call<std::size_t>("size", lend(size)).has_value(), size < 1u << 16);
    EXPECT_EQ(peer.send("size", lend(size)).has_value(), size < 1u << 16);
  }
  client.close().value();

  EXPECT_EQ(released.times, 6);
}

TEST(NodeLife, ARefusedPayloadIsReleasedThoughNothingElseHappens) {
  Node server;
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  const std::vector<std::byte> bytes((64u << 20) + 1);
  bool released = false;

  const auto sent = peer.send(
      "none", Payload::lend(
                  bytes, [](void* flag) noexcept { *static_cast<bool*>(flag) = true; }, &released));

  EXPECT_TRUE(sent.error().is(Errc::payload_too_large));
  EXPECT_TRUE(released);
}

TEST(NodeLife, APayloadsReleaseMayCallWhileItsNodeIsDriven) {
  Node server;
  server.add(unary("one", [](BytesView) { return 1; }, {Execution::inline_})).value();
  Node client;
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();
  const std::vector<std::byte> bytes(8192);
  struct Released {
    const Peer& peer;
    std::promise<int> reply;
  } released{peer, {}};

  // Given back in a turn, once the transport is done with it.
  peer.send("one", Payload::lend(
                       bytes,
                       [](void* owner) noexcept {
                         auto& self = *static_cast<Released*>(owner);
                         self.reply.set_value(self.peer.call<int>("one").value());
                       },
                       &released))
      .value();

  EXPECT_EQ(released.reply.get_future().get(), 1);
}

TEST(NodeLife, ClosingSucceedsWhileOthersGoOnSending) {
  constexpr int lives = 20;
  for (int life = 0; life < lives; ++life) {
    Node server;
    server.add(am("sink", [](BytesView) {}, {Execution::inline_})).value();
    const std::string uri = server.listen("unix://*").value();
    Node client({.log = [](LogLevel, std::string_view) {}});
    const Peer peer = client.connect(uri).value();
    std::atomic<int> sent{0};
    const Payload page = Payload::copy(std::string(8192, 'x'));
    std::thread sender([&] {
      while (peer.send("sink", page).has_value()) ++sent;
    });
    while (sent < 100) std::this_thread::yield();

    const auto closed = server.close();

    EXPECT_TRUE(closed.has_value()) << closed.error();
    client.close().value();
    sender.join();
  }
}

}  // namespace
}  // namespace trestle
