// The end of a node while somebody still waits.
#include <gtest/gtest.h>
#include <trestle/node.hpp>
#include <trestle/reply.hpp>
#include <trestle/testing/test_network.hpp>

#include <atomic>
#include <latch>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;

TEST(NodeShutdown, EndsACallThatAWorkerWaitsFor) {
  std::mutex mutex;
  std::vector<Reply<int>> kept;  // never answered while the node lives
  std::latch waiting(1);
  std::atomic<bool> ended{false};
  {
    Node node({.workers = 2, .close_timeout = 20ms, .log = [](LogLevel, std::string_view) {}});
    ASSERT_TRUE(node.add(unary("never", [&](Reply<int> reply) {
      const std::lock_guard lock(mutex);
      kept.push_back(std::move(reply));
      waiting.count_down();
    })));
    ASSERT_TRUE(node.add(am("ask", [&](Context& context) {
      ended = context.node.peer(context.node.instance_id()).call<int>("never").has_error();
    })));
    ASSERT_TRUE(node.peer(node.instance_id()).send("ask").has_value());
    waiting.wait();

    EXPECT_TRUE(node.close().error().is(Errc::deadline_exceeded));
  }

  EXPECT_TRUE(ended);
  kept.clear();
}

TEST(NodeShutdown, MayBeAskedForByTwoThreads) {
  std::stop_source stop;
  std::optional<Node> node(std::in_place, NodeOptions{.stop = stop.get_token()});
  std::thread stopper([&] { stop.request_stop(); });

  node.reset();
  stopper.join();

  SUCCEED();
}

TEST(NodeShutdown, IsRefusedToAWorkerOfTheNode) {
  std::latch asked(1);
  Result<void> answer;
  Node node({.workers = 1});
  ASSERT_TRUE(node.add(am("suicide", [&](Context& context) {
    answer = context.node.close();
    asked.count_down();
  })));
  ASSERT_TRUE(node.peer(node.instance_id()).send("suicide").has_value());

  asked.wait();

  ASSERT_TRUE(answer.has_error());
  EXPECT_TRUE(answer.error().is(Errc::would_block_for_ever));
}

TEST(NodeShutdown, LeavesTimersOfAClosedNodeAlone) {
  testing::TestNetwork network;
  Node& node = network.add_node();
  ASSERT_TRUE(node.close().has_value());

  node.after(1s, [] { FAIL() << "fired after the end"; });
  network.advance(2s);
}

TEST(NodeFailures, OfAHandlerSayThatItRan) {
  testing::TestNetwork network;
  Node& node = network.add_node();
  ASSERT_TRUE(node.add(unary("fail", []() -> Result<int> {
    return Error(Errc::handler_failed, "no luck");  // Ran::no by default
  })));

  const auto outcome = node.peer(node.instance_id()).call<int>("fail");

  EXPECT_EQ(outcome.error().text, "no luck");
  EXPECT_EQ(outcome.error().ran, Ran::yes);
}

TEST(NodeLimits, OfTimeMayBeEndless) {
  constexpr auto endless = std::chrono::nanoseconds::max();
  testing::TestNetwork network;
  network.clock().advance(1h);
  Node& node = network.add_node({.call_timeout = endless, .handshake_timeout = endless});
  ASSERT_TRUE(node.add(unary("one", [] { return 1; })));

  EXPECT_EQ(node.peer(node.instance_id()).call<int>("one").value(), 1);
  EXPECT_TRUE(node.peer(node.instance_id()).send("one").has_value());
}

}  // namespace
}  // namespace trestle
