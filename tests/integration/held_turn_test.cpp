// Inline handlers that run for longer than dead_after: their node is busy, and nobody takes it for
// dead; the log says who holds it.
#include <gmock/gmock.h>
#include <trestle/test_support/built_transports.hpp>
#include <trestle/trestle.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Long enough for a machine that is busy with other tests.
constexpr auto heartbeat = 250ms;
constexpr auto dead_after = 1500ms;
constexpr auto held_for = 2 * dead_after;

/// What a node logged. Threads: any.
class NotedLines {
 public:
  LogFunction function() {
    return [this](LogLevel, std::string_view text) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(text);
    };
  }
  std::vector<std::string> about(std::string_view what) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const std::string& line : lines_) {
      if (line.find(what) != std::string::npos) found.push_back(line);
    }
    return found;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

/// A node that an inline handler holds up until the test lets go, and one that watches it.
class HoldingRig : public ::testing::Test {
 protected:
  static NodeOptions options(NotedLines& lines) {
    return {.workers = 1,
            .heartbeat = heartbeat,
            .dead_after = dead_after,
            .reconnect_window = 0s,
            .log = lines.function()};
  }
  Handler holder() {
    return unary("hold",
                 [this] {
                   started_.set_value();
                   release_.get_future().wait();
                   return 42;
                 },
                 {.execution = Execution::inline_});
  }
  /// Whoever watches sees nothing happen for longer than a silent peer would live.
  void expect_peace(PeerEvents& events) {
    started_.get_future().wait();
    const auto seen = events.wait_for(held_for);
    EXPECT_FALSE(seen.has_value()) << "the peer was lost while its handler ran";
    release_.set_value();
  }

  NotedLines lines_of_busy_;
  NotedLines lines_of_other_;
  std::promise<void> started_;
  std::promise<void> release_;
};

class HeldTurn : public HoldingRig, public ::testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Uris, HeldTurn,
                         ::testing::ValuesIn(test_support::of_this_build(
                             {"inproc://*", "unix://*", "tcp://127.0.0.1:0",
                              "zmq+tcp://127.0.0.1:0", "ofi+tcp://127.0.0.1:0"})),
                         [](const auto& parameter) {
                           std::string name(parameter.param);
                           for (char& c : name) c = std::isalnum(c) != 0 ? c : '_';
                           return name;
                         });

TEST_P(HeldTurn, OnTheNodesThreadIsNoDeath) {
  Node busy(options(lines_of_busy_));
  busy.add(holder()).value();
  busy.add(unary("double", [](int value) { return 2 * value; })).value();
  Node other(options(lines_of_other_));
  PeerEvents events = other.peer_events();
  const Peer peer = other.connect(busy.listen(GetParam()).value()).value();
  ASSERT_TRUE(events.wait_for(10s).has_value()) << "it came";
  auto held = std::async(std::launch::async, [&] { return peer.call<int>("hold"); });

  expect_peace(events);

  EXPECT_EQ(held.get().value(), 42);
  EXPECT_EQ(peer.call<int>("double", 21).value(), 42);
  const auto lines = lines_of_busy_.about("has held this node");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines.front(), HasSubstr("inline handler 'hold' has held this node for "));
  EXPECT_THAT(lines.front(), HasSubstr("dead_after is 1500 ms"));
}

TEST_P(HeldTurn, OnAThreadThatCallsIsNoDeath) {
  Node other(options(lines_of_other_));
  PeerEvents events = other.peer_events();
  std::optional<Reply<int>> open;
  std::promise<void> asked;
  other
      .add(unary("later",
                 [&](Reply<int> reply) {
                   open = std::move(reply);
                   asked.set_value();
                 }))
      .value();
  Node busy(options(lines_of_busy_));
  busy.add(holder()).value();
  const Peer there = busy.connect(other.listen(GetParam()).value()).value();
  ASSERT_TRUE(events.wait_for(10s).has_value()) << "it came";
  auto waiting = std::async(std::launch::async, [&] { return there.call<int>("later"); });
  asked.get_future().wait();  // that thread drives the busy node
  ASSERT_TRUE(other.peer(busy.instance_id()).send("hold").has_value());

  expect_peace(events);
  (*open)(7);

  EXPECT_EQ(waiting.get().value(), 7);
  EXPECT_EQ(lines_of_busy_.about("inline handler 'hold' has held this node").size(), 1u);
}

class LineAboutAHeldTurn : public HoldingRig {};

TEST_F(LineAboutAHeldTurn, ComesWhileItIsHeldAndItsFunctionMayUseTheNode) {
  std::promise<Result<void>> closed;
  std::promise<bool> sent;
  Node* node = nullptr;
  std::atomic<int> told = 0;
  NodeOptions of_busy = options(lines_of_busy_);
  of_busy.log = [&](LogLevel, std::string_view text) {
    if (text.find("has held this node") == std::string_view::npos || told++ != 0) return;
    closed.set_value(node->close());
    sent.set_value(node->peer(node->instance_id()).send("note").has_value());
  };
  Node busy(of_busy);
  node = &busy;
  busy.add(holder()).value();
  busy.add(am("note", [] {})).value();
  Node other(options(lines_of_other_));
  const Peer peer = other.connect(busy.listen("inproc://*").value()).value();
  auto held = std::async(std::launch::async, [&] { return peer.call<int>("hold"); });

  EXPECT_TRUE(closed.get_future().get().error().is(Errc::would_block_for_ever));
  EXPECT_TRUE(sent.get_future().get());
  release_.set_value();

  EXPECT_EQ(held.get().value(), 42);
}

}  // namespace
}  // namespace trestle
