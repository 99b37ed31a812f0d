// Several ways to one peer: which one serves, and what happens when it is gone.
#include <gmock/gmock.h>
#include <trestle/async.hpp>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include "trestle/test_support/raw_server.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using test_support::RawServer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TestNetwork;

constexpr InstanceId wanted = InstanceId::from_halves(70, 70);

/// A node that is always the same instance.
NodeOptions start_number(std::uint64_t incarnation) {
  NodeOptions options;
  options.instance_id = wanted;
  options.incarnation = incarnation;
  return options;
}

class Routes : public ::testing::Test {
 protected:
  Node& serve(const NodeOptions& options, std::vector<std::string> uris, int answer) {
    Node& node = network.add_node(options);
    node.add(unary("answer", [answer] { return answer; })).value();
    for (const std::string& uri : uris) node.listen(uri).value();
    return node;
  }

  TestNetwork network;
  Node& client = network.add_node();
  const PeerInfo near_or_far{wanted, {"inproc://near", "inproc://far"}};
};

TEST_F(Routes, ACallGoesOnToTheNextEndpoint) {
  serve(start_number(1), {"inproc://far"}, 1);
  const Peer peer = client.register_peer(near_or_far).value();

  EXPECT_EQ(peer.call<int>("answer").value(), 1);
}

TEST_F(Routes, AnotherNodeAtTheFirstEndpointIsNotTakenForThePeer) {
  serve({}, {"inproc://near"}, 666);
  serve(start_number(1), {"inproc://far"}, 1);
  const Peer peer = client.register_peer(near_or_far).value();

  EXPECT_EQ(peer.call<int>("answer").value(), 1);
}

TEST_F(Routes, APeerThatClosedIsFoundAtItsOtherEndpoint) {
  Node& first = serve(start_number(1), {"inproc://near", "inproc://far"}, 1);
  const Peer peer = client.connect(near_or_far).value();
  ASSERT_EQ(peer.call<int>("answer").value(), 1);
  ASSERT_TRUE(first.close().has_value());
  serve(start_number(2), {"inproc://far"}, 2);

  EXPECT_EQ(peer.call<int>("answer").value(), 2);
}

TEST_F(Routes, ALostPeerIsFoundAtItsOtherEndpoint) {
  auto first = std::make_unique<RawServer>(network.driver(), "inproc://near");
  first->become(wanted, 1);
  const Peer peer = client.register_peer(near_or_far).value();
  peer.async_call<int>("answer", 1, [](const Result<int>&) {});
  network.settle();
  first->settle();
  network.settle();
  ASSERT_TRUE(peer.is_connected());
  first->cut();
  first.reset();
  network.settle();
  serve(start_number(2), {"inproc://far"}, 2);

  EXPECT_EQ(peer.call<int>("answer").value(), 2);
}

TEST_F(Routes, WhereNobodyIsTheCallFails) {
  const Peer peer = client.register_peer(near_or_far).value();

  const auto outcome = peer.call<int>("answer");

  EXPECT_TRUE(outcome.has_error());
  EXPECT_EQ(outcome.error().ran, Ran::no);
}

TEST_F(Routes, ACallThatFailsEverywhereSaysWhatFailedWhere) {
  serve({}, {"inproc://near"}, 666);
  const Peer peer =
      client.register_peer({wanted, {"nonsense://x", "inproc://near", "inproc://far"}}).value();

  const Error refused = peer.call<int>("answer").error();

  EXPECT_TRUE(refused.is(Errc::connect_refused)) << refused;
  EXPECT_EQ(refused.ran, Ran::no);
  EXPECT_THAT(refused.text,
              AllOf(HasSubstr("call of 'answer' at " + to_string(wanted)),
                    HasSubstr("nonsense://x (no transport plugin"),
                    HasSubstr("inproc://near (expected"), HasSubstr("inproc://far (")));
}

TEST_F(Routes, ACallSaysOnlyWhatItsOwnAttemptsFoundOut) {
  const Peer peer = client.register_peer(near_or_far).value();

  const std::string first = peer.call<int>("answer").error().text;
  const std::string second = peer.call<int>("answer").error().text;

  EXPECT_EQ(first, second);
}

TEST_F(Routes, TheTextIsBoundedHoweverManyEndpointsThereAre) {
  std::vector<std::string> uris;
  for (int i = 0; i < 60; ++i) uris.push_back("inproc://x" + std::to_string(i));
  const Peer peer = client.register_peer({wanted, {uris}}).value();

  const Error refused = peer.call<int>("answer").error();

  EXPECT_LT(refused.text.size(), 8u * 600u);
  EXPECT_THAT(refused.text, HasSubstr("; and 52 more"));
}

TEST_F(Routes, OneEndpointSpeaksForItself) {
  const Peer peer = client.register_peer({wanted, {"inproc://near"}}).value();

  const Error refused = peer.call<int>("answer").error();

  EXPECT_TRUE(refused.is(Errc::connect_refused)) << refused;
  EXPECT_THAT(refused.text, ::testing::Not(HasSubstr("No available endpoint")));
}

TEST_F(Routes, AllThatFailedIsToldAtOnce) {
  const auto refused =
      client.connect(PeerInfo{wanted, {"nonsense://x", "inproc://near", "inproc://far"}});

  EXPECT_TRUE(refused.error().is(Errc::connect_refused));
  EXPECT_THAT(refused.error().text,
              AllOf(HasSubstr("No available endpoint for peer " + to_string(wanted)),
                    HasSubstr("nonsense://x ("), HasSubstr("inproc://near ("),
                    HasSubstr("inproc://far (")));
  EXPECT_TRUE(client.peers().empty());
}

TEST_F(Routes, OtherEndpointsReplaceTheConnection) {
  Node& server = serve(start_number(1), {"inproc://old", "inproc://new"}, 1);
  const Peer peer = client.connect(PeerInfo{wanted, {"inproc://old"}}).value();

  client.register_peer(PeerInfo{wanted, {"inproc://new"}}).value();

  EXPECT_EQ(peer.call<int>("answer").value(), 1);
  network.settle();
  EXPECT_EQ(peer.transport_health().uri, "inproc://new");
  EXPECT_EQ(client.counters().connections, 1u);
  EXPECT_EQ(server.counters().connections, 1u);
}

TEST_F(Routes, APeerThatMovedIsServedOnceItIsRegisteredAgain) {
  Node& first = serve(start_number(1), {"inproc://old"}, 1);
  const Peer peer = client.connect(PeerInfo{wanted, {"inproc://old"}}).value();
  ASSERT_TRUE(first.close().has_value());
  serve(start_number(2), {"inproc://new"}, 2);
  EXPECT_TRUE(peer.call<int>("answer").has_error());

  client.register_peer(PeerInfo{wanted, {"inproc://new"}}).value();

  EXPECT_EQ(peer.call<int>("answer").value(), 2);
}

TEST_F(Routes, ARegisteredPeerNeedsAnId) {
  EXPECT_TRUE(client.register_peer({{}, {"inproc://x"}}).error().is(Errc::invalid_argument));
}

TEST_F(Routes, DiscoveryTriesAllEndpoints) {
  serve(start_number(1), {"inproc://far"}, 1);

  const auto found = client.discover_any({"inproc://near", "inproc://far"}).value();

  EXPECT_EQ(found.instance_id, wanted);
  EXPECT_THAT(found.address.endpoints(), ElementsAre("inproc://far"));
  EXPECT_EQ(found.host, client.info().host);
  EXPECT_TRUE(client.peers().empty());
}

TEST_F(Routes, DiscoveryThatFailsLeavesNothing) {
  const auto found = client.discover_any({"inproc://near", "inproc://far"});

  EXPECT_THAT(found.error().text,
              AllOf(HasSubstr("Failed to discover peer at any of the provided endpoints"),
                    HasSubstr("inproc://near ("), HasSubstr("inproc://far (")));
  EXPECT_TRUE(client.peers().empty());
}

}  // namespace
}  // namespace trestle
