// Every refusal is counted once, by its reason, for the node and for the handler.
#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "raw_calls.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using testing::TestNetwork;

class DispatchCounting : public ::testing::Test {
 protected:
  /// What the server counted, which must be the same for the node and for `handler`.
  RefusalCounts refused(const std::string& handler) {
    const DispatchCounts counts = server.dispatch_counts();
    const RefusalCounts own = row(counts, handler).refused;
    EXPECT_EQ(own, counts.refused) << handler;
    EXPECT_EQ(server.counters().messages_refused, counts.refused.total());
    return own;
  }
  static HandlerCounts row(const DispatchCounts& counts, const std::string& handler) {
    const auto found = std::find_if(counts.handlers.begin(), counts.handlers.end(),
                                    [&](const auto& one) { return one.handler == handler; });
    EXPECT_NE(found, counts.handlers.end()) << handler;
    return found != counts.handlers.end() ? *found : HandlerCounts{};
  }
  /// Holds every message until the test is over, one after the other.
  void add_hold() {
    server
        .add(unary("hold", [this](Reply<int> reply) { held.push_back(std::move(reply)); },
                   {.concurrency_max = 1}))
        .value();
  }

  std::vector<Reply<int>> held;
  TestNetwork network;
  Node& server = network.add_node({.spawn_queue_messages = 1, .spawn_queue_bytes = 1000});
  Node& client = network.add_node();
  Peer peer = client.connect(server.listen("inproc://*").value()).value();
};

TEST_F(DispatchCounting, UnknownHandlersHaveNoRowOfTheirOwn) {
  EXPECT_TRUE(peer.call<int>("nobody").has_error());
  peer.send("nobody").value();
  network.settle();

  const DispatchCounts counts = server.dispatch_counts();

  EXPECT_EQ(counts.refused, (RefusalCounts{.unknown_handler = 2}));
  for (const HandlerCounts& one : counts.handlers) EXPECT_EQ(one.refused, RefusalCounts{});
}

TEST_F(DispatchCounting, KindsThatDoNotFit) {
  server.add(am("note", [] {})).value();

  EXPECT_TRUE(peer.call<int>("note").has_error());
  EXPECT_TRUE(peer.confirm("note").has_error());

  EXPECT_EQ(refused("note"), (RefusalCounts{.kind_mismatch = 2}));
}

TEST_F(DispatchCounting, PayloadsThatCannotBeRead) {
  server.add(ack("number", [](int) {}, {Execution::inline_})).value();

  EXPECT_TRUE(peer.confirm("number", "text").has_error());
  peer.send("number", "text").value();
  auto sent = peer.message("number").payload("text").detach_receipt().send().value();
  EXPECT_TRUE(std::move(sent).await_delivery().has_error());

  EXPECT_EQ(refused("number"), (RefusalCounts{.undecodable = 3}));
}

TEST_F(DispatchCounting, MessagesAndBytesBeyondTheirRoom) {
  add_hold();
  for (int i = 0; i < 2; ++i) peer.send("hold").value();  // one runs, one waits
  network.settle();

  EXPECT_TRUE(peer.call<int>("hold").error().is(Errc::overloaded));
  peer.send("hold", std::string(2000, 'x')).value();
  network.settle();

  EXPECT_EQ(refused("hold"), (RefusalCounts{.overloaded = 2}));
}

TEST_F(DispatchCounting, MessagesTakenBackBeforeTheirTurn) {
  add_hold();
  peer.send("hold").value();
  std::stop_source stop;
  client.after(1s, [&] { stop.request_stop(); });

  EXPECT_TRUE(peer.with({.stop = stop.get_token()}).call<int>("hold").error().is(Errc::cancelled));
  network.settle();

  EXPECT_EQ(refused("hold"), (RefusalCounts{.cancelled = 1}));
}

TEST_F(DispatchCounting, MessagesFoundTooLate) {
  int runs = 0;
  server
      .add(unary("slow",
                 [&] {
                   network.clock().advance(600ms);
                   return ++runs;
                 },
                 {.execution = Execution::inline_}))
      .value();
  const Peer hurried = peer.with_timeout(1100ms);

  client.after(1s, [&] {  // within a turn, so that all three leave in one packet
    for (int i = 0; i < 3; ++i) hurried.async_call<int>("slow", 0, [](const Result<int>&) {});
  });
  network.advance(1s);

  EXPECT_EQ(runs, 2);
  EXPECT_EQ(refused("slow"), (RefusalCounts{.deadline_passed = 1}));
}

TEST_F(DispatchCounting, RequestsWhileTheNodeCloses) {
  add_hold();
  server.add(ack("note", [] {})).value();
  peer.send("hold").value();
  network.settle();
  server.after(1s, [&] { held.at(0)(1); });
  Errc refusal{};
  peer.async_confirm("note", 0, [&](const Result<void>& outcome) {
    refusal = static_cast<Errc>(outcome.error().code.value());
  });

  EXPECT_TRUE(server.close().has_value());
  network.settle();

  EXPECT_EQ(refusal, Errc::draining);
  EXPECT_EQ(server.dispatch_counts().refused, (RefusalCounts{.draining = 1}));
}

TEST_F(DispatchCounting, FailuresAreNoRefusals) {
  server.add(ack("fail", []() -> Result<void> { return refuse("no"); })).value();

  EXPECT_TRUE(peer.confirm("fail").has_error());
  peer.send("fail").value();
  network.settle();

  EXPECT_EQ(refused("fail"), RefusalCounts{});
  EXPECT_EQ(row(server.dispatch_counts(), "fail").failed, 2u);
  EXPECT_EQ(server.dispatch_counts().failed, 2u);
}

TEST_F(DispatchCounting, BeginsAnewWithAHandlerThatComesBack) {
  server.add(am("note", [] {})).value();
  EXPECT_TRUE(peer.confirm("note").has_error());
  server.remove("note").value();
  server.add(am("note", [] {})).value();
  EXPECT_TRUE(peer.confirm("note").has_error());

  const DispatchCounts counts = server.dispatch_counts();

  EXPECT_EQ(row(counts, "note").refused, (RefusalCounts{.kind_mismatch = 1}));
  EXPECT_EQ(counts.refused, (RefusalCounts{.kind_mismatch = 2}));
}

class RefusedFrames : public RawCalls {};

TEST_F(RefusedFrames, AreCountedForTheNodeAlone) {
  server.add(unary("seven", [] { return 7; })).value();
  wire::Request of_no_mode = request(1, 1, "seven");
  of_no_mode.mode = static_cast<DeliveryMode>(9);
  wire::Request of_no_codec = request(2, 1, "seven");
  of_no_codec.codec = static_cast<Codec>(9);
  wire::Request of_no_handler = request(3, 0, "");

  send_together(std::tuple{of_no_mode, of_no_codec, of_no_handler});
  network.settle();

  const DispatchCounts counts = server.dispatch_counts();
  EXPECT_EQ(counts.refused, (RefusalCounts{.kind_mismatch = 1, .undecodable = 1, .invalid = 1}));
  for (const HandlerCounts& one : counts.handlers) EXPECT_EQ(one.refused, RefusalCounts{});
  EXPECT_EQ(server.counters().messages_received, 3u);
}

}  // namespace
}  // namespace trestle
