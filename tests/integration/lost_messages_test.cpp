// Messages that nobody waits for and that were lost: each is told of once.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <algorithm>

#include "trestle/test_support/raw_server.hpp"

namespace trestle {
namespace {

using test_support::RawServer;
using ::testing::ElementsAre;
using testing::TestNetwork;

class LostMessages : public ::testing::Test {
 protected:
  NodeOptions noting() {
    NodeOptions options;
    options.reconnect_window = std::chrono::nanoseconds::zero();
    options.on_send_failed = [this](const LostMessage& message) {
      told.push_back(message.handler + " " + std::to_string(message.payload_bytes) + " " +
                     std::string(to_string(message.reason.ran)));
      last = message;
    };
    return options;
  }
  void settle() {
    for (int i = 0; i < 4; ++i) {
      network.settle();
      if (server != nullptr) server->settle();
    }
  }

  std::vector<std::string> told;
  LostMessage last;
  TestNetwork network;
  std::unique_ptr<RawServer> server;
  Node& client = network.add_node(noting());
};

TEST_F(LostMessages, ToldOnceWhereNobodyListens) {
  const Peer peer =
      client.register_peer({InstanceId::from_halves(7, 7), {"inproc://nobody"}}).value();

  ASSERT_TRUE(peer.send("note", Payload::copy(std::string("four"))).has_value());
  settle();

  EXPECT_THAT(told, ElementsAre("note 4 did not run"));
  EXPECT_EQ(last.peer, InstanceId::from_halves(7, 7));
  EXPECT_TRUE(last.reason.is(Errc::connect_refused)) << last.reason;
  EXPECT_EQ(client.counters().messages_lost.at(0).unsent, 1u);
}

TEST_F(LostMessages, ThoseThatLeftMayHaveRun) {
  server = std::make_unique<RawServer>(network.driver(), "inproc://raw");
  const InstanceId id = InstanceId::from_halves(8, 8);
  server->become(id, 1);
  server->set_window(100);
  const Peer peer = client.register_peer({id, {"inproc://raw"}}).value();
  ASSERT_TRUE(peer.send("first", Payload::copy(std::string("1"))).has_value());
  ASSERT_TRUE(peer.send("second", Payload::copy(std::string("22"))).has_value());
  settle();
  ASSERT_EQ(server->requests(), "1:1 1:22");

  server->cut();
  settle();

  std::size_t counted = 0;
  for (const auto& lost : client.counters().messages_lost) counted += lost.unsent + lost.in_doubt;
  EXPECT_EQ(counted, 2u);
  EXPECT_THAT(told, ElementsAre("first 1 may have run", "second 2 may have run"));
}

TEST_F(LostMessages, NothingIsToldOfWhatArrived) {
  Node& real = network.add_node();
  int ran = 0;
  real.add(am("note", [&ran] { ++ran; }, {Execution::inline_})).value();
  const Peer peer = client.connect(real.listen("inproc://*").value()).value();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(peer.send("note").has_value());
  settle();

  ASSERT_TRUE(client.close().has_value());

  EXPECT_EQ(ran, 100);
  EXPECT_TRUE(told.empty());
}

class WayToAPeer : public LostMessages {
 protected:
  static constexpr InstanceId id = InstanceId::from_halves(9, 9);
};

TEST_F(WayToAPeer, IsToldInAllItsStates) {
  EXPECT_EQ(client.peer(id).transport_health().state, TransportState::not_registered);

  const Peer peer = client.register_peer({id, {"inproc://raw"}}).value();
  EXPECT_EQ(peer.transport_health().state, TransportState::never_connected);
  EXPECT_EQ(peer.transport_health().uri, "inproc://raw");

  ASSERT_TRUE(peer.send("note").has_value());
  settle();
  const TransportHealth failed = peer.transport_health();
  EXPECT_EQ(failed.state, TransportState::failed);
  EXPECT_TRUE(failed.why.is(Errc::connect_refused)) << failed.why;

  server = std::make_unique<RawServer>(network.driver(), "inproc://raw");
  server->become(id, 1);
  ASSERT_TRUE(peer.send("note").has_value());
  settle();
  const TransportHealth silent = peer.transport_health();
  EXPECT_EQ(to_string(silent.state), "timed out");
  EXPECT_TRUE(silent.why.is(Errc::deadline_exceeded)) << silent.why;
}

TEST_F(WayToAPeer, IsWellWhereThePeerAnswers) {
  Node& real = network.add_node();
  const std::string uri = real.listen("inproc://*").value();

  const TransportHealth health = client.connect(uri).value().transport_health();

  EXPECT_EQ(health.state, TransportState::connected);
  EXPECT_EQ(health.uri, uri);
}

}  // namespace
}  // namespace trestle
