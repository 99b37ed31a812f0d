// How nodes find, know and leave each other.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include "trestle/test_support/raw_peer.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using test_support::RawPeer;
using ::testing::HasSubstr;
using testing::TestNetwork;

class Peers : public ::testing::Test {
 protected:
  Peers() {
    server.add(unary("seven", [] { return 7; })).value();
    client.add(unary("eight", [] { return 8; })).value();
  }

  TestNetwork network;
  Node& server = network.add_node();
  Node& client = network.add_node();
  const std::string uri = server.listen("inproc://*").value();
};

TEST_F(Peers, ShareOneConnectionHoweverOftenTheyConnect) {
  const Peer first = client.connect(uri).value();
  const Peer second = client.connect(uri).value();
  const Peer elsewhere = client.connect(server.listen("inproc://*").value()).value();
  network.settle();

  EXPECT_EQ(first.instance_id(), server.instance_id());
  EXPECT_EQ(second.instance_id(), elsewhere.instance_id());
  EXPECT_EQ(client.counters().connections, 1u);
  EXPECT_EQ(elsewhere.call<int>("seven").value(), 7);
}

TEST_F(Peers, CanCallBackWhoeverConnectedToThem) {
  client.connect(uri).value();
  network.settle();

  const Peer back = server.peer(client.instance_id());

  EXPECT_TRUE(back.is_connected());
  EXPECT_EQ(back.call<int>("eight").value(), 8);
  EXPECT_EQ(server.counters().connections, 1u);
}

TEST_F(Peers, KeepOneConnectionWhenBothSidesConnect) {
  const std::string client_uri = client.listen("inproc://*").value();
  const Peer to_server = client.connect(uri).value();
  const Peer to_client = server.connect(client_uri).value();
  network.settle();

  EXPECT_EQ(client.counters().connections, 1u);
  EXPECT_EQ(server.counters().connections, 1u);
  EXPECT_EQ(to_server.call<int>("seven").value(), 7);
  EXPECT_EQ(to_client.call<int>("eight").value(), 8);
}

TEST_F(Peers, ThatWereNeverSeenAreUnknown) {
  const auto outcome = client.peer(InstanceId::from_halves(1, 99)).call<int>("seven");

  EXPECT_TRUE(outcome.error().is(Errc::unknown_peer));
  EXPECT_THAT(outcome.error().text, HasSubstr("connect"));
}

TEST_F(Peers, ReachThemselvesThroughALoopback) {
  const Peer self = server.peer(server.instance_id());

  EXPECT_EQ(self.call<int>("seven").value(), 7);
  EXPECT_EQ(self.call<Payload>("nobody").error().text, "No handler for 'nobody'");
  EXPECT_EQ(server.counters().connections, 0u);
}

TEST_F(Peers, ThatDialThemselvesGetTheLoopback) {
  const Peer self = server.connect(uri).value();
  network.settle();

  EXPECT_EQ(self.instance_id(), server.instance_id());
  EXPECT_EQ(self.call<int>("seven").value(), 7);
  EXPECT_EQ(server.counters().connections, 0u);
}

TEST_F(Peers, OfAnotherIdThanExpectedAreRefused) {
  const auto wrong = client.connect(uri, {.expect = InstanceId::from_halves(1, 99)});

  EXPECT_TRUE(wrong.error().is(Errc::identity_mismatch)) << wrong.error().text;
  EXPECT_THAT(wrong.error().text, HasSubstr(to_string(server.instance_id())));
  EXPECT_TRUE(client.connect(uri, {.expect = server.instance_id()}).has_value());
}

TEST_F(Peers, OfAnEarlierIncarnationAreRefusedByName) {
  RawPeer young(network.driver(), uri);
  young.greet(InstanceId::from_halves(7, 7), 5);
  RawPeer old(network.driver(), uri);
  old.greet(InstanceId::from_halves(7, 7), 4);

  const auto goodbye = old.take<wire::Goodbye>();
  ASSERT_EQ(goodbye.size(), 1u);
  EXPECT_EQ(goodbye[0].code, Errc::stale_incarnation);
  EXPECT_THAT(std::string(goodbye[0].text), HasSubstr("incarnation 5"));
  EXPECT_TRUE(old.is_closed());
  EXPECT_FALSE(young.is_closed());
  EXPECT_EQ(server.counters().stale_refused, 1u);
}

TEST_F(Peers, OfALaterIncarnationReplaceTheEarlierThatIsSilent) {
  RawPeer old(network.driver(), uri);
  old.greet(InstanceId::from_halves(7, 7), 4);
  RawPeer young(network.driver(), uri);
  young.greet(InstanceId::from_halves(7, 7), 5);
  network.advance(490ms);
  old.settle();
  EXPECT_EQ(old.take<wire::Ping>().size(), 1u);
  EXPECT_FALSE(old.is_closed());
  network.advance(20ms);
  old.settle();

  EXPECT_TRUE(old.is_closed());
  EXPECT_FALSE(young.is_closed());
  EXPECT_EQ(server.counters().connections, 1u);
}

TEST_F(Peers, OfALaterIncarnationAreRefusedWhileTheEarlierIsAlive) {
  std::vector<int> seen;
  server.add(am("note", [&](BytesView bytes) { seen.push_back(static_cast<int>(bytes.size())); }))
      .value();
  RawPeer honest(network.driver(), uri);
  honest.greet(InstanceId::from_halves(7, 7), 4);
  RawPeer impostor(network.driver(), uri);
  impostor.greet(InstanceId::from_halves(7, 7), 5);
  impostor.send(wire::Request{.handler = 1, .handler_name = "note"});

  honest.settle();
  honest.send(wire::Pong{honest.take<wire::Ping>().at(0).cookie});
  impostor.settle();
  network.advance(10s);
  impostor.settle();

  EXPECT_TRUE(impostor.is_closed());
  EXPECT_FALSE(honest.is_closed());
  const auto goodbye = impostor.take<wire::Goodbye>();
  ASSERT_EQ(goodbye.size(), 1u);
  EXPECT_EQ(goodbye[0].code, Errc::stale_incarnation);
  EXPECT_THAT(std::string(goodbye[0].text), HasSubstr("incarnation 4, which is alive"));
  EXPECT_TRUE(seen.empty()) << "its requests never ran";
}

/// An earlier start of a peer, and a later one that waits for what becomes of it.
class Takeover : public Peers {
 protected:
  Takeover() {
    old.greet(InstanceId::from_halves(7, 7), 4);
    young.emplace(network.driver(), limited_uri);
    young->greet(InstanceId::from_halves(7, 7), 5);
    old.settle();
    ping = old.take<wire::Ping>().at(0).cookie;
  }

  Node& server_with_limit = network.add_node({.takeover_timeout = 700ms});
  const std::string limited_uri = server_with_limit.listen("inproc://*").value();
  RawPeer old{network.driver(), limited_uri};
  std::optional<RawPeer> young;
  std::uint64_t ping = 0;
};

TEST_F(Takeover, WaitsForAnAnswerForAsLongAsTheOptionSays) {
  network.advance(700ms - 1ns);
  old.settle();
  EXPECT_FALSE(old.is_closed());
  network.advance(1ns);
  old.settle();

  EXPECT_TRUE(old.is_closed());
  EXPECT_FALSE(young->is_closed());
}

TEST_F(Takeover, IsRefusedByAnAnswerInTheLastMoment) {
  network.advance(700ms - 1ns);
  old.send(wire::Pong{ping});
  network.advance(1s);
  young->settle();

  EXPECT_FALSE(old.is_closed());
  EXPECT_TRUE(young->is_closed());
}

TEST_F(Peers, OfALaterIncarnationAreServedOnceTheEarlierIsGone) {
  int notes = 0;
  server.add(am("note", [&] { ++notes; })).value();
  auto old = std::make_unique<RawPeer>(network.driver(), uri);
  old->greet(InstanceId::from_halves(7, 7), 4);
  RawPeer young(network.driver(), uri);
  young.greet(InstanceId::from_halves(7, 7), 5);
  young.send(wire::Request{.handler = 1, .handler_name = "note"});
  young.send(wire::Request{.handler = 1}, wire::Request{.handler = 1});
  EXPECT_EQ(notes, 0);

  old.reset();
  young.settle();

  EXPECT_EQ(notes, 3) << "what was held is read, in order";
  EXPECT_FALSE(young.is_closed());
  EXPECT_EQ(server.counters().connections, 1u);
}

TEST_F(Peers, ThatAreNotAdmittedYetMaySendAMegabyte) {
  RawPeer old(network.driver(), uri);
  old.greet(InstanceId::from_halves(7, 7), 4);
  RawPeer young(network.driver(), uri);
  young.greet(InstanceId::from_halves(7, 7), 5);
  const std::string half(512 * 1024 - 200, 'x');
  const wire::Request request{.handler = 1, .handler_name = "h", .payload = as_bytes(half)};
  young.send(request);
  young.send(request);
  EXPECT_FALSE(young.is_closed());

  young.send(request);
  young.settle();

  EXPECT_TRUE(young.is_closed());
  const auto goodbye = young.take<wire::Goodbye>();
  ASSERT_EQ(goodbye.size(), 1u);
  EXPECT_EQ(goodbye[0].code, Errc::overloaded);
  EXPECT_THAT(std::string(goodbye[0].text), HasSubstr("newcomer_bytes_max is 1048576"));
  EXPECT_FALSE(old.is_closed());
}

TEST_F(Peers, ThatAreNotAdmittedYetMaySendExactlyAsMuchAsTheOptionSays) {
  Node& narrow = network.add_node({.newcomer_bytes_max = 8192});
  const std::string narrow_uri = narrow.listen("inproc://*").value();
  const auto packet_of = [](const auto& frame) {
    wire::Buffer packet;
    wire::begin_packet(packet);
    static_cast<void>(wire::append(packet, frame));
    return packet;
  };
  const auto request_of = [&](std::size_t packet_bytes) {
    wire::Request request{.handler = 1, .handler_name = "h"};
    const std::string fill(packet_bytes - packet_of(request).size(), 'x');
    request.payload = as_bytes(fill);
    return packet_of(request);
  };
  wire::Hello hello;
  hello.instance = InstanceId::from_halves(7, 7);
  hello.incarnation = 5;
  hello.connection = 1;
  hello.frame_bytes_max = 1u << 20;
  const wire::Buffer first = packet_of(hello);
  RawPeer old(network.driver(), narrow_uri);
  old.greet(hello.instance, 4);

  RawPeer just(network.driver(), narrow_uri);
  just.send_bytes(first);
  just.send_bytes(request_of(8192 - first.size()));
  EXPECT_FALSE(just.is_closed());
  RawPeer more(network.driver(), narrow_uri);
  more.send_bytes(first);
  more.send_bytes(request_of(8193 - first.size()));

  EXPECT_TRUE(more.is_closed());
  const auto goodbye = more.take<wire::Goodbye>();
  ASSERT_EQ(goodbye.size(), 1u);
  EXPECT_EQ(goodbye[0].code, Errc::overloaded);
  EXPECT_THAT(std::string(goodbye[0].text), HasSubstr("newcomer_bytes_max is 8192"));
  EXPECT_FALSE(just.is_closed());
}

TEST_F(Peers, ThatDisconnectAreForgottenOthersStay) {
  Node& sibling = network.add_node();
  const Peer leaving = client.connect(uri).value();
  const Peer staying = sibling.connect(uri).value();

  leaving.disconnect();
  network.settle();

  EXPECT_FALSE(leaving.is_connected());
  EXPECT_TRUE(leaving.call<int>("seven").has_error());
  EXPECT_EQ(staying.call<int>("seven").value(), 7);
  EXPECT_EQ(server.counters().connections, 1u);
  EXPECT_EQ(client.connect(uri).value().call<int>("seven").value(), 7);
}

TEST_F(Peers, LearnThatTheOtherSideDisconnected) {
  const Peer peer = client.connect(uri).value();
  network.settle();

  server.peer(client.instance_id()).disconnect();
  network.settle();

  EXPECT_FALSE(peer.is_connected());
}

TEST_F(Peers, AreTheSameThroughAHandleThatWasMadeBeforeTheyWereSeen) {
  const Peer early = client.peer(server.instance_id());
  client.connect(uri).value();

  EXPECT_TRUE(early.is_connected());
  EXPECT_EQ(early.call<int>("seven").value(), 7);
  early.disconnect();
  network.settle();

  EXPECT_FALSE(early.is_connected());
  EXPECT_EQ(client.counters().connections, 0u);
  EXPECT_EQ(server.counters().connections, 0u);
}

TEST_F(Peers, ThatAreTheNodeItselfHaveABoundedQueueToo) {
  Node& node = network.add_node({.queue_bytes_max = 1u << 20, .when_full = WhenFull::fail});
  int received = 0;
  node.add(am("sink", [&](BytesView) { ++received; }, {Execution::inline_})).value();
  const Peer self = node.peer(node.instance_id());
  const std::string megabyte(1u << 20, 'x');
  int admitted = 0;

  Result<MessageId> sent = self.send("sink", Payload::copy(megabyte));
  for (; sent.has_value() && admitted < 100; sent = self.send("sink", Payload::copy(megabyte))) {
    ++admitted;
  }
  network.settle();

  EXPECT_TRUE(sent.error().is(Errc::queue_full));
  EXPECT_LE(admitted, 3);
  EXPECT_EQ(received, admitted);
}

TEST_F(Peers, CallsUnderWayEndWhenTheConnectionIsLost) {
  std::vector<Reply<int>> unanswered;
  server
      .add(unary("never",
                 [&](Reply<int> reply) {
                   unanswered.push_back(reply);
                   server.after(1s, [this] { server.peer(client.instance_id()).disconnect(); });
                 }))
      .value();

  const auto outcome = client.connect(uri).value().call<int>("never");

  EXPECT_TRUE(outcome.error().is(Errc::connection_lost)) << outcome.error().text;
  EXPECT_EQ(outcome.error().ran, Ran::maybe);
}

TEST_F(Peers, AreDialledAgainByTheNextCall) {
  const Peer peer = client.connect(uri).value();
  network.settle();
  server.peer(client.instance_id()).disconnect();
  network.settle();
  ASSERT_FALSE(peer.is_connected());

  EXPECT_EQ(peer.call<int>("seven").value(), 7);
}

TEST_F(Peers, ThatWereDialledByUriAreWhoeverAnswersThere) {
  const std::string place = "inproc://place";
  Peer peer;
  {
    Node first({.driver = &network.driver()});
    first.listen(place).value();
    peer = client.connect(place).value();
  }
  network.settle();
  ASSERT_TRUE(peer.call<int>("seven").error().is(Errc::connect_refused));

  Node second({.driver = &network.driver()});
  second.add(unary("seven", [] { return 77; })).value();
  second.listen(place).value();

  EXPECT_EQ(peer.call<int>("seven").value(), 77);
  EXPECT_EQ(peer.instance_id(), second.instance_id());
}

TEST_F(Peers, ThatWereExpectedByIdAreNobodyElse) {
  const std::string place = "inproc://place";
  Peer peer;
  {
    Node first({.driver = &network.driver()});
    first.listen(place).value();
    peer = client.connect(place, {.expect = first.instance_id()}).value();
  }
  network.settle();

  Node second({.driver = &network.driver()});
  second.listen(place).value();

  EXPECT_TRUE(peer.call<int>("seven").error().is(Errc::identity_mismatch));
}

TEST_F(Peers, WhereNobodyListensFailAtOnceAndLeaveNothing) {
  const TimePoint before = client.now();

  const auto refused = client.connect("inproc://nobody");

  EXPECT_TRUE(refused.error().is(Errc::connect_refused)) << refused.error().text;
  EXPECT_THAT(refused.error().text, HasSubstr("inproc://nobody"));
  EXPECT_EQ(client.now(), before);
  EXPECT_EQ(client.counters().connections, 0u);
}

TEST_F(Peers, ThatStaySilentEndTheHandshakeInTime) {
  RawPeer silent(network.driver(), uri);
  network.advance(3s);
  silent.settle();

  const auto goodbye = silent.take<wire::Goodbye>();
  ASSERT_EQ(goodbye.size(), 1u);
  EXPECT_EQ(goodbye[0].code, Errc::handshake_failed);
  EXPECT_THAT(std::string(goodbye[0].text), HasSubstr("handshake_timeout 2000 ms"));
  EXPECT_TRUE(silent.is_closed());
}

TEST_F(Peers, ThatSayNothingAreDeadIfTheEndpointAsksForHeartbeats) {
  RawPeer silent(network.driver(),
                 server.listen("inproc://*?heartbeat=100ms&dead_after=300ms").value());
  silent.greet();
  network.advance(290ms);
  silent.settle();
  EXPECT_FALSE(silent.is_closed());
  EXPECT_EQ(silent.take<wire::Ping>().size(), 1u);
  network.advance(110ms);
  silent.settle();

  EXPECT_TRUE(silent.is_closed());
  EXPECT_EQ(server.counters().connections, 0u);
}

TEST_F(Peers, OfANodeWithHeartbeatsStayForAnHourOfSilence) {
  Node& beating = network.add_node({.heartbeat = 1s});
  const Peer peer = beating.connect(uri).value();
  network.advance(1h);

  EXPECT_TRUE(peer.is_connected());
  EXPECT_EQ(beating.counters().stray_outcomes, 0u);
}

TEST_F(Peers, OfANodeThatIsDrivenByHandMaySayNothingForEver) {
  RawPeer silent(network.driver(), uri);
  silent.greet();
  network.advance(1h);
  silent.settle();

  EXPECT_FALSE(silent.is_closed());
}

TEST_F(Peers, ThatDrainRefuseNewCallsAtOnceAndFinishOldOnes) {
  const Peer peer = client.connect(uri).value();
  server.add(unary("later", [this](Reply<int> reply) { server.after(1s, [reply] { reply(9); }); }))
      .value();
  Result<int> outcome = 0;
  client.add(am("call", [&] { outcome = peer.call<int>("later"); })).value();
  client.peer(client.instance_id()).send("call").value();
  network.advance(100ms);

  EXPECT_TRUE(server.close().has_value());
  EXPECT_EQ(outcome.value(), 9);
  EXPECT_TRUE(peer.call<int>("seven").error().ran == Ran::no);
}

}  // namespace
}  // namespace trestle
