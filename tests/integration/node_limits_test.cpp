// How many handlers of a node run at once, who waits for them, and who never has to.
#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using testing::TestNetwork;

class NodeLimits : public ::testing::Test {
 protected:
  NodeLimits() {
    for (const char* name : {"spawned", "inline", "other"}) {
      const bool in_turn = std::string_view(name) == "inline";
      server
          .add(unary(name,
                     [this](std::string text, Reply<int> reply) {
                       order.push_back(text);
                       held.push_back(std::move(reply));
                     },
                     {.execution = in_turn ? Execution::inline_ : Execution::spawn}))
          .value();
    }
  }
  void send(const std::string& name, const std::string& text) {
    peer.send(name, text).value();
    network.settle();
  }
  void answer(std::size_t index) {
    held.at(index)(0);
    network.settle();
  }

  std::vector<std::string> order;
  std::vector<Reply<int>> held;
  TestNetwork network;
  Node& server = network.add_node({.concurrency_max = 2});
  const std::string uri = server.listen("inproc://*").value();
  Peer peer = network.add_node().connect(uri).value();
};

TEST_F(NodeLimits, HoldForAllHandlersTogetherInTheOrderOfArrival) {
  send("spawned", "1");
  send("inline", "2");
  send("inline", "3");
  send("spawned", "4");
  send("other", "5");

  EXPECT_EQ(order, (std::vector<std::string>{"1", "2"}));
  answer(1);
  EXPECT_EQ(order.back(), "3");
  answer(0);
  EXPECT_EQ(order.back(), "4");
  answer(2);
  EXPECT_EQ(order, (std::vector<std::string>{"1", "2", "3", "4", "5"}));
  answer(3);
  answer(4);
}

TEST_F(NodeLimits, GiveTheirPermitBackAfterAnError) {
  server.add(ack("fail", []() -> Result<void> { return refuse("no"); })).value();

  for (int i = 0; i < 5; ++i) EXPECT_TRUE(peer.confirm("fail").has_error());
}

TEST_F(NodeLimits, DoNotKeepAWaitingMessageBeyondItsDeadline) {
  send("spawned", "1");
  send("spawned", "2");
  send("spawned", "3");

  const auto late = peer.with_timeout(1s).call<int>("other", "late");
  network.advance(10ms);

  EXPECT_TRUE(late.error().is(Errc::deadline_exceeded));
  EXPECT_EQ(server.dispatch_counts().refused.total(), 1u) << "at once, with nobody making room";
  answer(0);
  answer(1);
  EXPECT_EQ(order, (std::vector<std::string>{"1", "2", "3"}));
  answer(2);
}

TEST_F(NodeLimits, EndAWaitAlsoIfNobodySaysThatTheDeadlineIsOver) {
  send("spawned", "1");
  send("spawned", "2");
  Node& leaving = network.add_node();
  leaving.connect(uri).value().with_timeout(1s).async_call<int>("other", "late",
                                                                [](const Result<int>&) {});
  network.settle();
  static_cast<void>(leaving.close());  // it will not say so any more

  network.advance(1s - 2ms);
  EXPECT_EQ(server.dispatch_counts().refused, RefusalCounts{});
  network.advance(3ms);
  EXPECT_EQ(server.dispatch_counts().refused, (RefusalCounts{.deadline_passed = 1}));

  answer(0);
  answer(1);
  EXPECT_EQ(order.size(), 2u);
}

TEST_F(NodeLimits, LetGoOfCancelledMessages) {
  send("spawned", "1");
  send("spawned", "2");
  std::stop_source stop;
  server.after(1s, [&] { stop.request_stop(); });

  EXPECT_TRUE(peer.with({.stop = stop.get_token()}).call<int>("other", "3").has_error());
  send("spawned", "4");
  answer(0);

  EXPECT_EQ(order, (std::vector<std::string>{"1", "2", "4"}));
  answer(1);
  answer(2);
}

TEST_F(NodeLimits, HoldTogetherWithThoseOfAHandler) {
  server
      .add(unary("single",
                 [this](std::string text, Reply<int> reply) {
                   order.push_back(text);
                   held.push_back(std::move(reply));
                 },
                 {.concurrency_max = 1}))
      .value();
  send("single", "1");
  send("single", "2");
  send("spawned", "3");
  EXPECT_EQ(order, (std::vector<std::string>{"1", "3"})) << "who waits for a handler takes no room";
  send("spawned", "4");

  answer(0);
  EXPECT_EQ(order.back(), "4") << "it came to the node before 2 did";
  answer(1);
  EXPECT_EQ(order.back(), "2");
  answer(2);
  answer(3);
}

TEST_F(NodeLimits, RefuseMessagesThatWaitWhenTheNodeCloses) {
  std::vector<Errc> codes;
  for (int i = 0; i < 4; ++i) {
    peer.async_call<int>("spawned", "text", [&](const Result<int>& outcome) {
      codes.push_back(static_cast<Errc>(outcome.error().code.value()));
    });
  }
  peer.send("spawned", "nobody waits for this").value();
  network.settle();

  EXPECT_TRUE(server.close().has_error()) << "two handlers give no outcome";
  network.settle();

  EXPECT_EQ(std::count(codes.begin(), codes.end(), Errc::draining), 2);
  EXPECT_EQ(server.dispatch_counts().refused, (RefusalCounts{.draining = 3}));
}

// ---- What is never starved ----------------------------------------------------------------------

/// A flood of every kind has filled whatever can be filled.
class FloodedNode : public NodeLimits {
 protected:
  FloodedNode() {
    server.add(unary("laned", [](Reply<int>) {}, {.lane = Lane::shared("one")})).value();
    for (int i = 0; i < 2000; ++i) {
      peer.send("spawned", "text").value();
      peer.send("inline", "text").value();
      peer.send("laned").value();
    }
    network.settle();
  }

  /// Turns of all nodes until `done`; each is a millisecond or so under load.
  template <class Done>
  int turns_until(Done done) {
    int turns = 0;
    for (; !done() && turns < 1000; ++turns) network.poll();
    return turns;
  }

  const TimePoint before = network.clock().now();
};

TEST_F(FloodedNode, RunsTheHandlersOfTheSystem) {
  const Peer other = network.add_node().connect(uri).value();
  bool listed = false;
  const auto answered = std::make_shared<bool>(false);  // it outlives the test
  other.async_call<int>("inline", "text", [answered](const Result<int>&) { *answered = true; });
  other.async_list_handlers(
      [&](const Result<std::vector<std::string>>& names) { listed = names.has_value(); });

  EXPECT_LE(turns_until([&] { return listed; }), 5);
  EXPECT_EQ(network.clock().now(), before);
  EXPECT_EQ(turns_until([&] { return *answered; }), 1000) << "those of the application do wait";
}

TEST_F(FloodedNode, RegistersHandlersAndTellsOfThem) {
  const Peer other = network.add_node().connect(uri).value();
  HandlerEvents events = server.handler_events();
  server.after(1ms, [&] { server.add(ack("fresh", [] {})).value(); });

  EXPECT_TRUE(other.await_handler("fresh", 10s).value());

  EXPECT_EQ(events.poll().value().name, "fresh");
  EXPECT_EQ(network.clock().now() - before, 1ms);
}

TEST_F(FloodedNode, CountsEachMessageThatItDoesNotRun) {
  EXPECT_GE(server.dispatch_counts().refused.overloaded, 1u);
  EXPECT_EQ(server.dispatch_counts().refused.total(), server.dispatch_counts().refused.overloaded);
}

}  // namespace
}  // namespace trestle
