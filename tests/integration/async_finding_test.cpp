// Finding, asking, telling and leaving other nodes while nobody blocks.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <optional>

#include "trestle/test_support/raw_server.hpp"

namespace trestle {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::cancellation_type;
using test_support::RawServer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TestNetwork;

constexpr InstanceId wanted = InstanceId::from_halves(70, 70);

class AsyncFinding : public ::testing::Test {
 protected:
  Node& serve(const InstanceId& id, const std::vector<std::string>& uris) {
    NodeOptions options;
    options.instance_id = id;
    Node& node = network.add_node(options);
    for (const std::string& uri : uris) node.listen(uri).value();
    return node;
  }
  template <class T>
  auto into(std::optional<Result<T>>& outcome) {
    return [&outcome](Result<T> result) { outcome.emplace(std::move(result)); };
  }

  TestNetwork network;
  Node& client = network.add_node();
  const PeerInfo near_or_far{wanted, {"inproc://near", "inproc://far"}};
  std::optional<Result<Peer>> peer;
  std::optional<Result<PeerInfo>> found;
  asio::cancellation_signal signal;
};

TEST_F(AsyncFinding, GoesOnToTheNextEndpoint) {
  serve(InstanceId::from_halves(6, 6), {"inproc://near"});
  serve(wanted, {"inproc://far"});

  client.async_connect(near_or_far, {}, into(peer));
  EXPECT_FALSE(peer.has_value());
  network.settle();

  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(peer->value().instance_id(), wanted);
  EXPECT_EQ(peer->value().transport_health().uri, "inproc://far");
}

TEST_F(AsyncFinding, StaysWithAConnectionThatIsThere) {
  serve(wanted, {"inproc://near", "inproc://far"});
  client.connect("inproc://far").value();

  client.async_connect(near_or_far, {}, into(peer));
  network.settle();

  ASSERT_TRUE(peer->has_value()) << peer->error();
  EXPECT_EQ(peer->value().transport_health().uri, "inproc://far");
  EXPECT_EQ(client.counters().connections, 1u);
}

TEST_F(AsyncFinding, TellsAllThatFailed) {
  client.async_connect(PeerInfo{wanted, {"nonsense://x", "inproc://near", "inproc://far"}}, {},
                       into(peer));
  network.settle();

  EXPECT_TRUE(peer->error().is(Errc::connect_refused));
  EXPECT_THAT(peer->error().text,
              AllOf(HasSubstr("No available endpoint for peer " + to_string(wanted)),
                    HasSubstr("nonsense://x ("), HasSubstr("inproc://near ("),
                    HasSubstr("inproc://far (")));
}

TEST_F(AsyncFinding, GivesEachEndpointItsPartOfTheTime) {
  RawServer near(network.driver(), "inproc://near");
  RawServer far(network.driver(), "inproc://far");
  near.stay_silent();
  far.stay_silent();
  client.async_connect(near_or_far, {.timeout = 1s}, into(peer));

  network.advance(499ms);
  EXPECT_EQ(far.accepted(), 0u);
  network.advance(2ms);
  far.settle();
  EXPECT_EQ(far.accepted(), 1u);
  EXPECT_FALSE(peer.has_value());
  network.advance(500ms);

  ASSERT_TRUE(peer.has_value()) << "the time is over";
  EXPECT_THAT(peer->error().text, AllOf(HasSubstr("inproc://near ("), HasSubstr("inproc://far (")));
}

TEST_F(AsyncFinding, EndsAtOnceWhenItIsCancelled) {
  RawServer near(network.driver(), "inproc://near");
  near.stay_silent();
  Node& far = serve(wanted, {"inproc://far"});
  client.async_connect(near_or_far, {}, asio::bind_cancellation_slot(signal.slot(), into(peer)));
  network.settle();

  signal.emit(cancellation_type::terminal);
  network.settle();

  ASSERT_TRUE(peer.has_value());
  EXPECT_TRUE(peer->error().is(Errc::cancelled)) << peer->error();
  EXPECT_EQ(far.counters().connections, 0u) << "no other endpoint is tried";
}

TEST_F(AsyncFinding, DiscoversAndLeaves) {
  serve(wanted, {"inproc://far"});

  client.async_discover("inproc://far", {}, into(found));
  network.settle();

  EXPECT_EQ(found->value().instance_id, wanted);
  EXPECT_TRUE(client.peers().empty());
}

TEST_F(AsyncFinding, KeepsWhomItKnew) {
  serve(wanted, {"inproc://far"});
  const Peer known = client.connect("inproc://far").value();

  client.async_discover("inproc://far", {}, into(found));
  network.settle();

  EXPECT_EQ(found->value().instance_id, wanted);
  EXPECT_TRUE(known.is_connected());
}

TEST_F(AsyncFinding, DiscoversAtTheFirstThatAnswers) {
  serve(wanted, {"inproc://far"});

  client.async_discover_any({"inproc://near", "inproc://far"}, {}, into(found));
  network.settle();

  EXPECT_EQ(found->value().instance_id, wanted);
  found.reset();
  client.async_discover_any({"inproc://near", "inproc://nowhere"}, {}, into(found));
  network.settle();
  EXPECT_THAT(found->error().text,
              AllOf(HasSubstr("Failed to discover peer at any of the provided endpoints"),
                    HasSubstr("inproc://near ("), HasSubstr("inproc://nowhere (")));
}

TEST_F(AsyncFinding, AsksWhatTheBlockingFunctionsAsk) {
  Node& server = serve(wanted, {"inproc://far"});
  server.add(unary("double", [](int n) { return 2 * n; })).value();
  const Peer known = client.connect("inproc://far").value();
  std::optional<Result<Health>> health;
  std::optional<Result<HandlerContract>> contract;
  std::optional<Result<NodeStatistics>> statistics;
  std::optional<Result<bool>> there;
  std::optional<Result<void>> both_ways;
  TransportHealth transport;

  known.async_health_check(into(health));
  known.async_contract("double", into(contract));
  known.async_statistics(into(statistics));
  known.async_await_handler("double", 5s, into(there));
  known.async_discover(into(found));
  known.async_ensure_bidirectional_connection(into(both_ways));
  known.async_transport_health(1s, [&](TransportHealth result) { transport = std::move(result); });
  network.settle();

  EXPECT_EQ(health->value().status, "ok");
  EXPECT_EQ(contract->value(), known.contract("double").value());
  EXPECT_EQ(statistics->value().handlers.size(), server.list_handlers().size());
  EXPECT_TRUE(there->value());
  EXPECT_EQ(found->value(), known.discover().value());
  EXPECT_TRUE(both_ways->has_value());
  EXPECT_EQ(transport.state, TransportState::connected);
}

TEST_F(AsyncFinding, WaitsForAHandlerThatComesLater) {
  Node& server = serve(wanted, {"inproc://far"});
  const Peer known = client.connect("inproc://far").value();
  std::optional<Result<bool>> there;
  std::optional<Result<bool>> late;
  known.async_await_handler("late", 100ms, into(late));
  known.async_await_handler("double", 5s, into(there));

  network.advance(200ms);
  EXPECT_FALSE(there.has_value());
  server.add(unary("double", [](int n) { return 2 * n; })).value();
  network.settle();

  EXPECT_FALSE(late->value());
  EXPECT_TRUE(there->value());
}

TEST_F(AsyncFinding, TellsAllPeersAtOnce) {
  const auto refusing = InstanceId::from_halves(80, 80);
  int noted = 0;
  serve(wanted, {"inproc://far"}).add(ack("note", [&](int n) { noted += n; })).value();
  serve(refusing, {"inproc://near"});
  client.connect("inproc://far").value();
  client.connect("inproc://near").value();
  std::vector<PeerOutcome> outcomes;

  client.async_broadcast("note", 7, {},
                         [&](std::vector<PeerOutcome> all) { outcomes = std::move(all); });
  EXPECT_TRUE(outcomes.empty());
  network.settle();

  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(noted, 7);
  for (const PeerOutcome& one : outcomes) {
    EXPECT_EQ(one.outcome.has_value(), one.peer.instance_id() == wanted);
  }
}

TEST_F(AsyncFinding, ABroadcastThatIsCancelledEndsWhatHasNotEnded) {
  std::vector<Reply<int>> held;
  serve(wanted, {"inproc://far"})
      .add(unary("hold", [&](int, Reply<int> reply) { held.push_back(std::move(reply)); }))
      .value();
  serve(InstanceId::from_halves(80, 80), {"inproc://near"}).add(ack("hold", [](int) {})).value();
  client.connect("inproc://far").value();
  client.connect("inproc://near").value();
  std::vector<PeerOutcome> outcomes;
  client.async_broadcast(
      "hold", 7, {}, asio::bind_cancellation_slot(signal.slot(), [&](std::vector<PeerOutcome> all) {
        outcomes = std::move(all);
      }));
  network.settle();
  ASSERT_EQ(held.size(), 1u);

  signal.emit(cancellation_type::terminal);
  network.settle();

  ASSERT_EQ(outcomes.size(), 2u);
  for (const PeerOutcome& one : outcomes) {
    const bool answered = one.peer.instance_id() != wanted;
    EXPECT_EQ(one.outcome.has_value(), answered);
    EXPECT_TRUE(answered || one.outcome.error().is(Errc::cancelled));
  }
}

TEST(AsyncClose, TellsWhenTheNodeHasClosed) {
  Node node;
  node.listen("inproc://*").value();

  EXPECT_TRUE(node.async_close(asio::use_future).get().has_value());

  EXPECT_TRUE(node.listen("inproc://*").error().is(Errc::shut_down));
  EXPECT_TRUE(node.async_close(asio::use_future).get().has_value()) << "again does nothing";
}

TEST(AsyncClose, MayBeAskedForByAHandler) {
  Node server;
  std::promise<Result<void>> closed;
  server
      .add(
          ack("leave",
              [&] { server.async_close([&](Result<void> outcome) { closed.set_value(outcome); }); },
              {.execution = Execution::inline_}))
      .value();
  Node client;

  EXPECT_TRUE(client.connect(server.listen("inproc://*").value()).value().confirm("leave"));

  EXPECT_TRUE(closed.get_future().get().has_value());
}

TEST(AsyncClose, SaysWhatIsStillBusy) {
  std::promise<void> started;
  std::promise<void> release;
  Node server({.close_timeout = 10ms});
  server
      .add(ack("hold",
               [&] {
                 started.set_value();
                 release.get_future().wait();
               }))
      .value();
  Node client;
  client.connect(server.listen("inproc://*").value()).value().send("hold").value();
  started.get_future().wait();

  auto closed = server.async_close(asio::use_future);

  const Result<void> outcome = closed.get();
  EXPECT_TRUE(outcome.error().is(Errc::deadline_exceeded)) << outcome.error();
  EXPECT_THAT(outcome.error().text, HasSubstr("1 of 'hold'"));
  release.set_value();
}

TEST(AsyncClose, ByHandIsDoneAtOnceAndRefusedInAHandler) {
  TestNetwork network;
  Node& server = network.add_node();
  std::optional<Result<void>> inside;
  server
      .add(ack("leave",
               [&] { server.async_close([&](Result<void> outcome) { inside.emplace(outcome); }); },
               {.execution = Execution::inline_}))
      .value();
  const Peer peer = network.add_node().connect(server.listen("inproc://*").value()).value();
  peer.confirm("leave").value();
  std::optional<Result<void>> outside;

  server.async_close([&](Result<void> outcome) { outside.emplace(outcome); });

  EXPECT_TRUE(inside->error().is(Errc::would_block_for_ever));
  EXPECT_TRUE(outside->has_value());
}

}  // namespace
}  // namespace trestle
