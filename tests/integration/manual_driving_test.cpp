// Nodes driven by hand: no thread, no sleep, time that moves when told to.
#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <filesystem>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using testing::TestNetwork;

std::size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST(ManualDriving, StartsNoThread) {
  const std::size_t before = threads_of_this_process();
  TestNetwork network;
  Node& server = network.add_node();
  server.add(unary("seven", [] { return 7; })).value();

  const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();

  EXPECT_EQ(peer.call<int>("seven").value(), 7);
  EXPECT_EQ(threads_of_this_process(), before);
}

TEST(ManualDriving, NothingHappensBetweenTurns) {
  TestNetwork network;
  Node& server = network.add_node();
  int runs = 0;
  server.add(am("count", [&] { ++runs; })).value();
  const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();
  peer.send("count").value();
  EXPECT_EQ(runs, 0);

  server.poll();

  EXPECT_EQ(runs, 1);
}

TEST(ManualDriving, TimersFireAtTheirOwnTimeInOrder) {
  TestNetwork network;
  Node& node = network.add_node();
  std::vector<std::pair<char, TimePoint>> fired;
  node.after(30ms, [&] { fired.emplace_back('c', node.now()); });
  node.after(10ms, [&] {
    fired.emplace_back('a', node.now());
    node.after(10ms, [&] { fired.emplace_back('b', node.now()); });
  });

  network.advance(25ms);
  EXPECT_EQ(fired.size(), 2u);
  network.advance(25ms);

  EXPECT_EQ(fired,
            (std::vector<std::pair<char, TimePoint>>{{'a', 10ms}, {'b', 20ms}, {'c', 30ms}}));
  EXPECT_EQ(node.now(), 50ms);
}

TEST(ManualDriving, ATimerThatThrowsIsLoggedAndTheNodeGoesOn) {
  std::vector<std::string> lines;
  TestNetwork network;
  Node& node = network.add_node({.log = [&](LogLevel level, std::string_view line) {
    if (level == LogLevel::error) lines.emplace_back(line);
  }});
  bool fired = false;
  node.after(1ms, [] { throw std::runtime_error("spilt"); });
  node.after(2ms, [&] { fired = true; });

  network.advance(3ms);

  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("spilt"), std::string::npos);
  EXPECT_TRUE(fired);
}

TEST(ManualDriving, ACallWithoutDeadlineThatNothingCanEndSaysSo) {
  TestNetwork network;
  Node& server = network.add_node();
  std::vector<Reply<int>> unanswered;
  server.add(unary("never", [&](Reply<int> reply) { unanswered.push_back(reply); })).value();
  Node& client = network.add_node();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();

  const auto outcome = peer.with_timeout(std::chrono::nanoseconds::max()).call<int>("never");

  EXPECT_TRUE(outcome.error().is(Errc::would_block_for_ever)) << outcome.error().text;
  EXPECT_EQ(client.counters().calls_pending, 0u);
}

TEST(ManualDriving, SpawnedHandlersMayCallOn) {
  TestNetwork network;
  Node& first = network.add_node();
  Node& second = network.add_node();
  const Peer to_second = first.connect(second.listen("inproc://*").value()).value();
  const Peer to_first = second.connect(first.listen("inproc://*").value()).value();
  first
      .add(unary("descend",
                 [&](int depth) {
                   return depth == 0 ? 0 : 1 + to_second.call<int>("descend", depth - 1).value();
                 }))
      .value();
  second
      .add(unary("descend",
                 [&](int depth) {
                   return depth == 0 ? 0 : 1 + to_first.call<int>("descend", depth - 1).value();
                 }))
      .value();

  EXPECT_EQ(to_first.call<int>("descend", 10).value(), 10);
}

TEST(ManualDriving, AHandlerThatPollsItsNodeHarmsNoOther) {
  TestNetwork network;
  Node& server = network.add_node();
  std::vector<std::string> seen;
  server
      .add(am("note",
              [&seen](Context& context, BytesView bytes) {
                EXPECT_EQ(context.node.poll(), 0u);
                seen.emplace_back(as_text(bytes));
              },
              {Execution::inline_}))
      .value();
  const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();
  std::vector<std::string> sent;
  for (const char c : {'a', 'b', 'c'}) {
    peer.send("note", Payload::copy(sent.emplace_back(8000, c))).value();
  }

  network.settle();

  EXPECT_TRUE(seen == sent) << "in order, and each as long as it is viewed";
}

TEST(ManualDriving, CloseInAHandlerIsRefusedAtOnce) {
  for (const Execution execution : {Execution::inline_, Execution::spawn}) {
    TestNetwork network;
    Node& server = network.add_node();
    Node& between = network.add_node();
    Result<void> closed;
    server.add(ack("close", [&] { closed = server.close(); }, {execution})).value();
    const Peer inner = between.connect(server.listen("inproc://*").value()).value();
    Result<void> closed_below;
    // The handler of `between` waits in its turn for what the server runs.
    between.add(ack("pass_on", [&] { closed_below = inner.confirm("close"); }, {execution}))
        .value();
    const Peer peer = network.add_node().connect(between.listen("inproc://*").value()).value();

    EXPECT_TRUE(peer.confirm("pass_on").has_value());

    EXPECT_TRUE(closed.error().is(Errc::would_block_for_ever)) << closed.error();
    EXPECT_TRUE(closed_below.has_value()) << closed_below.error();
    EXPECT_EQ(server.now(), TimePoint(0)) << "no time passed";
    EXPECT_TRUE(server.close().has_value());
  }
}

TEST(ManualDriving, AHandlerThatStopsItsNodeHasItClosedInALaterTurn) {
  for (const Execution execution : {Execution::inline_, Execution::spawn}) {
    std::stop_source parent;
    TestNetwork network;
    Node& server = network.add_node({.stop = parent.get_token()});
    const auto stop = [&] {
      parent.request_stop();
      return 7;
    };
    server.add(unary("stop", stop, {execution})).value();
    const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();

    EXPECT_EQ(peer.call<int>("stop").value(), 7) << "its own outcome still leaves";
    network.settle();

    EXPECT_TRUE(server.listen("inproc://*").error().is(Errc::shut_down));
    EXPECT_EQ(server.now(), TimePoint(0)) << "nothing was waited for";
  }
}

TEST(ManualDriving, TwoRunsAreTheSame) {
  const auto run = [] {
    TestNetwork network;
    std::vector<std::string> log;
    Node& server = network.add_node();
    server
        .add(unary("echo",
                   [&](Context& context, int value) {
                     log.push_back(to_string(context.sender) + to_string(context.message_id) +
                                   std::to_string(value) + '@' +
                                   std::to_string(server.now().count()));
                     return value;
                   }))
        .value();
    const std::string uri = server.listen("inproc://same").value();
    for (int i = 0; i < 3; ++i) {
      Node& client = network.add_node();
      const Peer peer = client.connect(uri).value();
      peer.send("echo", i).value();
      peer.call<int>("echo", 10 * i).value();
      network.advance(5ms);
    }
    return log;
  };

  EXPECT_EQ(run(), run());
}

}  // namespace
}  // namespace trestle
