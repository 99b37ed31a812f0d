// Handlers that come and go while a node runs, and what others learn of them.
#include <gmock/gmock.h>
#include <trestle/health.hpp>
#include <trestle/trestle.hpp>

#include <chrono>

#include "trestle/test_support/two_nodes.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HandlerRegistration : public test_support::TwoNodes {
 protected:
  static Handler answering(int value, HandlerOptions options = {}) {
    return unary(
        "answer", [value] { return value; }, options);
  }
};

TEST_F(HandlerRegistration, NextCallAfterRemovalFindsNothing) {
  server.add(answering(1)).value();
  ASSERT_EQ(peer.call<int>("answer").value(), 1);

  ASSERT_TRUE(server.remove("answer").has_value());

  const auto refused = peer.call<int>("answer");
  EXPECT_TRUE(refused.error().is(Errc::handler_not_found));
  EXPECT_EQ(refused.error().text, "No handler for 'answer'");
}

TEST_F(HandlerRegistration, AnotherHandlerMayTakeTheName) {
  server.add(answering(1)).value();
  ASSERT_EQ(peer.call<int>("answer").value(), 1);

  server.remove("answer").value();
  server.add(answering(2)).value();

  EXPECT_EQ(peer.call<int>("answer").value(), 2);
}

TEST_F(HandlerRegistration, RemovalLetsRunsFinish) {
  std::optional<Reply<int>> later;
  server.add(unary("slow", [&](Reply<int> reply) { later = std::move(reply); })).value();
  std::optional<int> got;
  peer.async_call<int>("slow", 0, [&](Result<int> reply) { got = reply.value(); });
  network.settle();
  ASSERT_TRUE(later);

  server.remove("slow").value();
  (*later)(7);
  network.settle();

  EXPECT_EQ(got, 7);
}

TEST_F(HandlerRegistration, AHandlerMayReplaceItselfWhileItRuns) {
  const auto replace = [this](int) {
    server.remove("self").value();
    server.add(unary("self", [](int) { return 2; }, {Execution::inline_})).value();
    peer.call<int>("answer").value();  // turns that find the new one run on top of this
    return 1;
  };
  server.add(unary("self", replace, {Execution::inline_})).value();
  server.add(answering(0, {Execution::inline_})).value();
  std::vector<int> got;
  for (int i = 0; i < 3; ++i) {
    peer.async_call<int>("self", i, [&](Result<int> reply) { got.push_back(reply.value()); });
  }
  network.settle();

  EXPECT_EQ(peer.call<int>("self", 0).value(), 2);
  EXPECT_EQ(got.size(), 3u);
}

TEST_F(HandlerRegistration, RefusesToRemoveWhatIsNotThere) {
  const auto refused = server.remove("answer");

  EXPECT_TRUE(refused.error().is(Errc::handler_not_found));
  EXPECT_EQ(refused.error().text, "Handler 'answer' is not registered");
}

TEST_F(HandlerRegistration, KeepsTheSystemsHandlers) {
  const auto refused = server.remove("_health_check");

  EXPECT_TRUE(refused.error().is(Errc::reserved_name));
  EXPECT_TRUE(peer.health_check().has_value());
}

TEST_F(HandlerRegistration, ReportsWhatCameAndWent) {
  HandlerEvents events = server.handler_events();

  server.add(answering(1)).value();
  server.remove("answer").value();

  const auto came = events.poll().value();
  const auto went = events.poll().value();
  EXPECT_EQ(to_string(came.change), "registered");
  EXPECT_EQ(to_string(went.change), "deregistered");
  EXPECT_EQ(came.name, "answer");
  EXPECT_EQ(went.instance, server.instance_id());
  EXPECT_FALSE(events.poll());
}

TEST_F(HandlerRegistration, ListsHandlersHereAndThere) {
  server.add(answering(1)).value();

  const auto here = server.list_handlers();
  EXPECT_THAT(here, Contains("answer").Times(1));
  EXPECT_THAT(here, Contains("_health_check").Times(1));
  EXPECT_EQ(peer.list_handlers().value(), here);
}

TEST_F(HandlerRegistration, TellsThatItIsWell) {
  const auto health = peer.health_check().value();

  EXPECT_EQ(health.status, "ok");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_NEAR(static_cast<double>(health.timestamp), std::chrono::duration<double>(now).count(),
              2.0);
}

TEST_F(HandlerRegistration, TellsAtOnceOfAHandlerThatIsThere) {
  server.add(answering(1)).value();
  const TimePoint before = client.now();

  EXPECT_TRUE(peer.await_handler("answer", 5s).value());
  EXPECT_EQ(client.now(), before);
}

TEST_F(HandlerRegistration, TellsWhenAHandlerComes) {
  server.after(200ms, [this] { server.add(answering(1)).value(); });
  const TimePoint before = client.now();

  EXPECT_TRUE(peer.await_handler("answer", 5s).value());
  EXPECT_EQ(client.now() - before, 200ms);
}

TEST_F(HandlerRegistration, WaitsForAsLongAsThereIsTime) {
  server.after(200ms, [this] { server.add(answering(1)).value(); });
  const TimePoint before = client.now();

  EXPECT_TRUE(peer.await_handler("answer", std::chrono::nanoseconds::max()).value());
  EXPECT_EQ(client.now() - before, 200ms);
}

TEST_F(HandlerRegistration, TellsWhenAHandlerDoesNotCome) {
  const TimePoint before = client.now();

  EXPECT_FALSE(peer.await_handler("answer", 5s).value());
  EXPECT_LE(client.now() - before, 5s);
}

TEST_F(HandlerRegistration, DiscoversWithoutKeepingAPeer) {
  Node& stranger = network.add_node();

  const auto found = stranger.discover(uri).value();

  EXPECT_EQ(found.instance_id, server.instance_id());
  EXPECT_THAT(found.address.endpoints(), ElementsAre(uri));
  EXPECT_TRUE(stranger.peers().empty());
  EXPECT_EQ(stranger.connect(found).value().instance_id(), server.instance_id());
}

TEST_F(HandlerRegistration, DiscoveryLeavesAKnownPeerConnected) {
  client.discover(uri).value();

  EXPECT_TRUE(peer.is_connected());
}

TEST_F(HandlerRegistration, ListsPeersAsTheyComeAndGo) {
  ASSERT_EQ(client.peers().size(), 1u);
  EXPECT_EQ(client.peers()[0].instance_id(), server.instance_id());
  network.settle();
  EXPECT_EQ(server.peers().size(), 1u);

  peer.disconnect();

  EXPECT_TRUE(client.peers().empty());
}

TEST_F(HandlerRegistration, ConnectsToTheFirstEndpointThatAnswers) {
  const PeerInfo info{server.instance_id(), {"inproc://nobody", uri}};

  EXPECT_TRUE(network.add_node().connect(info).value().is_connected());
}

TEST_F(HandlerRegistration, TriesAllEndpointsWithinOneTimeout) {
  ManualDriver nobody;  // what it drives never answers
  Node silent({.driver = &nobody});
  const PeerInfo info{silent.instance_id(),
                      {silent.listen("inproc://*").value(), silent.listen("inproc://*").value()}};
  const TimePoint before = client.now();

  EXPECT_TRUE(client.connect(info, {.timeout = 1s}).has_error());
  EXPECT_EQ(client.now() - before, 1s);
}

TEST_F(HandlerRegistration, DiscoveryLeavesAPeerThatOthersConnectedMeanwhile) {
  Node& stranger = network.add_node();
  std::optional<Peer> connected;
  stranger.after(std::chrono::nanoseconds::zero(),
                 [&] { connected = stranger.connect(uri).value(); });

  EXPECT_EQ(stranger.discover(uri).value().instance_id, server.instance_id());

  ASSERT_TRUE(connected);
  EXPECT_TRUE(connected->is_connected());
}

TEST_F(HandlerRegistration, SaysThatAPeerHasNoEndpoint) {
  const auto refused = client.connect(PeerInfo{server.instance_id(), {}});

  EXPECT_TRUE(refused.error().is(Errc::unreachable));
  EXPECT_THAT(refused.error().text, HasSubstr("No available endpoint for peer"));
}

TEST_F(HandlerRegistration, EnsuresThatThePeerCanCallBack) {
  ASSERT_TRUE(peer.ensure_bidirectional_connection().has_value());
  client.add(answering(3)).value();

  EXPECT_EQ(server.peer(client.instance_id()).call<int>("answer").value(), 3);
}

}  // namespace
}  // namespace trestle
