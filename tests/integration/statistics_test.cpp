// What a node counts: exactly, for a script of which every step is known.
#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <string>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using testing::TestNetwork;

using Counts = std::map<std::string, std::uint64_t>;

Counts by_reason(const std::vector<ReasonCount>& rows) {
  Counts counts;
  for (const ReasonCount& row : rows) counts[row.reason] += row.count;
  return counts;
}

class Statistics : public ::testing::Test {
 protected:
  static LogFunction quiet() {
    return [](LogLevel, std::string_view) {};
  }
  HandlerStatistics row(const std::string& handler) {
    for (const auto& one : server.statistics().handlers) {
      if (one.handler == handler) return one;
    }
    ADD_FAILURE() << "no row for " << handler;
    return {};
  }

  std::vector<Reply<int>> held;
  TestNetwork network;
  Node& server = network.add_node({.log = quiet()});
  Node& client = network.add_node({.log = quiet()});
  Peer peer = client.connect(server.listen("inproc://*").value()).value();
};

TEST_F(Statistics, OfAScriptAreExactOnBothSides) {
  server.add(unary("one", [] { return 1; }, {Execution::inline_})).value();
  server.add(am("note", [] {})).value();
  server.add(ack("fail", []() -> Result<void> { return refuse("no"); })).value();
  server.add(unary("hold", [&](Reply<int> reply) { held.push_back(reply); })).value();

  for (int i = 0; i < 5; ++i) EXPECT_EQ(peer.call<int>("one").value(), 1);
  for (int i = 0; i < 3; ++i) peer.send("note").value();
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(peer.confirm("fail").has_error());
  EXPECT_TRUE(peer.call<int>("nobody").has_error());
  EXPECT_TRUE(peer.call<int>("note").has_error());
  peer.async_call<int>("hold", 0, [](const Result<int>&) {});
  EXPECT_TRUE(peer.with_timeout(1s).call<int>("hold").error().is(Errc::deadline_exceeded));
  network.settle();

  const NodeStatistics of_client = client.statistics();
  EXPECT_EQ(of_client.messages_sent, 3u);
  EXPECT_EQ(of_client.calls_started, 11u);
  EXPECT_EQ(of_client.calls_succeeded, 5u);
  EXPECT_EQ(of_client.calls_pending, 1u);
  EXPECT_EQ(by_reason(of_client.calls_failed), (Counts{{"handler_failed", 2},
                                                       {"handler_not_found", 1},
                                                       {"kind_mismatch", 1},
                                                       {"deadline_exceeded", 1}}));
  const NodeStatistics of_server = server.statistics();
  EXPECT_EQ(of_server.messages_received, 14u);
  EXPECT_EQ(by_reason(of_server.messages_refused),
            (Counts{{"unknown_handler", 1}, {"kind_mismatch", 1}}));
  EXPECT_EQ(of_server.handler_errors, 2u);
  EXPECT_EQ(of_server.messages_under_way, 2u);
  EXPECT_EQ(of_server.messages_waiting, 0u);
}

TEST_F(Statistics, OfAHandlerSayWhatItDidAndHowLongItTook) {
  server.add(unary("hold", [&](Reply<int> reply) { held.push_back(reply); })).value();
  for (int i = 0; i < 3; ++i) {
    peer.async_call<int>("hold", i, [](const Result<int>&) {});
  }
  network.settle();
  network.advance(50ms);
  held.at(0)(1);
  network.advance(5s);
  held.at(1)(1);
  network.settle();

  const HandlerStatistics hold = row("hold");

  EXPECT_EQ(hold.admitted, 3u);
  EXPECT_EQ(hold.under_way, 1u);
  // Of 10 us, 100 us, 1 ms, 10 ms, 100 ms, 1 s, 10 s, and more.
  EXPECT_EQ(hold.latency, (std::vector<std::uint64_t>{0, 0, 0, 0, 1, 0, 1, 0}));
}

TEST_F(Statistics, CountTheBytesThatTravel) {
  server.add(am("note", [](BytesView) {})).value();
  const auto before = client.statistics().transports.at(0);
  peer.send("note", std::string(10'000, 'x')).value();
  network.settle();

  const auto sent = client.statistics().transports.at(0);
  const auto received = server.statistics().transports.at(0);

  EXPECT_EQ(sent.scheme, "inproc");
  EXPECT_EQ(sent.connections, 1u);
  EXPECT_EQ(sent.packets_sent, before.packets_sent + 1);
  EXPECT_GE(sent.bytes_sent, before.bytes_sent + 10'000);
  EXPECT_LE(sent.bytes_sent, before.bytes_sent + 10'100);
  EXPECT_EQ(received.bytes_received, sent.bytes_sent) << "nothing was lost, nothing was made up";
  EXPECT_EQ(received.packets_received, sent.packets_sent);
}

TEST_F(Statistics, AreTheSameFromAfar) {
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(peer.call<int>("nobody").has_error());

  const NodeStatistics told = peer.statistics().value();

  EXPECT_EQ(told.instance_id, to_string(server.instance_id()));
  EXPECT_EQ(told.messages_received, 5u) << "this question is one of them";
  EXPECT_EQ(by_reason(told.messages_refused), (Counts{{"unknown_handler", 4}}));
  EXPECT_EQ(told.handlers.size(), server.list_handlers().size());
}

TEST_F(Statistics, CallsThatNeverLeaveFailToo) {
  const Peer nobody = client.peer(InstanceId::from_halves(1, 2));

  EXPECT_TRUE(nobody.call<int>("x").has_error());
  nobody.async_call<int>("x", 0, [](const Result<int>&) {});
  network.settle();

  const NodeStatistics all = client.statistics();
  EXPECT_EQ(all.calls_started, 2u);
  EXPECT_EQ(by_reason(all.calls_failed), (Counts{{"unknown_peer", 2}}));
}

}  // namespace
}  // namespace trestle
