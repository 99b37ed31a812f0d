// What a peer that breaks the rules can do: end its own connection, nothing else.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <random>

#include "trestle/test_support/raw_peer.hpp"

namespace trestle {
namespace {

using test_support::RawPeer;
using ::testing::HasSubstr;
using testing::TestNetwork;

class HostileFrames : public ::testing::Test {
 protected:
  HostileFrames() {
    server.add(unary("echo", [](Encoded in) { return in; }, {Execution::inline_})).value();
    server.add(am("count", [this] { ++counted; })).value();
  }

  static wire::Request request(std::uint64_t call, std::uint32_t handler, std::string_view name) {
    return {.call = wire::CallId::make(static_cast<std::uint32_t>(call), 1),
            .handler = handler,
            .mode = DeliveryMode::with_response,
            .handler_name = name};
  }

  void expect_server_serves() { EXPECT_EQ(honest.call<int>("echo", 7).value(), 7); }

  TestNetwork network;
  Node& server = network.add_node({.log = [](LogLevel, std::string_view) {}});
  Node& client = network.add_node();
  const std::string uri = server.listen("inproc://*").value();
  Peer honest = client.connect(uri).value();
  int counted = 0;
};

TEST_F(HostileFrames, ARequestBeforeHelloEndsTheConnection) {
  RawPeer raw(network.driver(), uri);

  raw.send(request(1, 1, "echo"));

  EXPECT_TRUE(raw.is_closed());
  EXPECT_THAT(std::string(raw.take<wire::Goodbye>().at(0).text), HasSubstr("hello"));
  expect_server_serves();
}

TEST_F(HostileFrames, ASecondHelloEndsTheConnection) {
  RawPeer raw(network.driver(), uri);
  raw.greet();
  EXPECT_FALSE(raw.is_closed());

  raw.greet();

  EXPECT_TRUE(raw.is_closed());
  EXPECT_EQ(server.counters().protocol_errors, 1u);
  expect_server_serves();
}

TEST_F(HostileFrames, AnotherProtocolVersionIsRefusedByName) {
  RawPeer raw(network.driver(), uri);
  wire::Hello future;
  future.version_min = 9;
  future.version_max = 12;
  future.instance = InstanceId::from_halves(7, 7);

  raw.send(future);

  const auto goodbye = raw.take<wire::Goodbye>();
  ASSERT_EQ(goodbye.size(), 1u);
  EXPECT_EQ(goodbye[0].code, Errc::version_mismatch);
  EXPECT_THAT(std::string(goodbye[0].text), HasSubstr("9 to 12"));
  expect_server_serves();
}

TEST_F(HostileFrames, ANumberThatWasNeverNamedEndsTheConnection) {
  RawPeer raw(network.driver(), uri);
  raw.greet();

  raw.send(request(1, 5, ""));

  EXPECT_TRUE(raw.is_closed());
  EXPECT_THAT(std::string(raw.take<wire::Goodbye>().at(0).text), HasSubstr("number 5"));
}

TEST_F(HostileFrames, ANilInstanceIdIsRefused) {
  RawPeer raw(network.driver(), uri);

  raw.greet(InstanceId());

  EXPECT_TRUE(raw.is_closed());
}

TEST_F(HostileFrames, RequestsAfterAGoodbyeDoNotRun) {
  RawPeer raw(network.driver(), uri);
  raw.greet();
  raw.send(request(1, 1, "echo"), wire::Goodbye{Errc::duplicate_connection, "bye"},
           request(2, 1, ""));

  EXPECT_EQ(raw.take<wire::Reply>().size(), 1u);
  const auto nacks = raw.take<wire::Nack>();
  ASSERT_EQ(nacks.size(), 1u);
  EXPECT_EQ(nacks[0].code, Errc::draining);
  EXPECT_EQ(nacks[0].ran, Ran::no);
  EXPECT_THAT(std::string(nacks[0].text), HasSubstr("said goodbye before"));
}

TEST_F(HostileFrames, RequestsOfAPeerThatDrainsStillRun) {
  RawPeer raw(network.driver(), uri);
  raw.greet();
  raw.send(wire::Goodbye{Errc::draining, "bye"}, request(1, 1, "echo"));

  EXPECT_EQ(raw.take<wire::Reply>().size(), 1u);
}

TEST_F(HostileFrames, SomebodyElsesIdAsOursIsRefused) {
  RawPeer raw(network.driver(), uri);

  raw.greet(server.instance_id(), 12345);

  EXPECT_TRUE(raw.is_closed());
  expect_server_serves();
}

TEST_F(HostileFrames, OutcomesThatNobodyWaitsForAreCountedOnly) {
  RawPeer raw(network.driver(), uri);
  raw.greet();

  raw.send(wire::Ack{wire::CallId::make(3, 1)}, wire::Reply{.call = wire::CallId::make(70'000, 9)},
           wire::Nack{.call = wire::CallId::make(wire::CallId::no_slot, 1)},
           wire::Pong{wire::CallId::make(0, 1).value});

  EXPECT_FALSE(raw.is_closed());
  EXPECT_EQ(server.counters().stray_outcomes, 4u);
  expect_server_serves();
}

TEST_F(HostileFrames, RequestsOfOneCallIdAreEachAnswered) {
  server.add(unary("hold", [](Reply<int> reply) { reply(1); })).value();
  RawPeer raw(network.driver(), uri);
  raw.greet();
  const wire::Cancel cancel{request(1, 1, "").call};

  raw.send(request(1, 1, "hold"), request(1, 1, ""), cancel, cancel, request(1, 1, ""));

  EXPECT_EQ(raw.take<wire::Nack>().size(), 1u) << "the first is cancelled";
  EXPECT_EQ(raw.take<wire::Reply>().size(), 2u);
  EXPECT_FALSE(raw.is_closed());
}

TEST_F(HostileFrames, FireAndForgetGetsNoFrameBack) {
  RawPeer raw(network.driver(), uri);
  raw.greet();
  const std::size_t before = raw.frames_received();

  for (std::uint64_t i = 1; i <= 100; ++i) {
    raw.send(wire::Request{.call = wire::CallId::make(wire::CallId::no_slot, i),
                           .handler = 1,
                           .handler_name = i == 1 ? "count" : ""});
  }

  EXPECT_EQ(counted, 100);
  EXPECT_EQ(raw.frames_received(), before);
}

TEST_F(HostileFrames, ACallWithoutASlotGetsNoReply) {
  RawPeer raw(network.driver(), uri);
  raw.greet();
  const std::size_t before = raw.frames_received();

  raw.send(request(wire::CallId::no_slot, 1, "echo"));

  EXPECT_EQ(raw.frames_received(), before);
  EXPECT_FALSE(raw.is_closed());
}

TEST_F(HostileFrames, ManyFramesInOnePacketAreAllServed) {
  RawPeer raw(network.driver(), uri);
  raw.greet();

  raw.send(request(1, 1, "echo"), request(2, 1, ""), wire::Ping{42}, request(3, 1, ""));

  EXPECT_EQ(raw.take<wire::Reply>().size(), 3u);
  EXPECT_EQ(raw.take<wire::Pong>().at(0).cookie, 42u);
}

TEST_F(HostileFrames, NamesBeyondTheNumbersStillWork) {
  RawPeer raw(network.driver(), uri);
  raw.greet();

  raw.send(request(1, 0, "echo"), request(2, 0, "echo"), request(3, 1, "echo"));

  EXPECT_EQ(raw.take<wire::Reply>().size(), 3u);
}

TEST_F(HostileFrames, AThousandDamagedPacketsAreCountedAndHurtNoOther) {
  std::mt19937 random(20261120);
  for (unsigned round = 0; round < 1000; ++round) {
    RawPeer raw(network.driver(), uri);
    if (round % 2 == 0) raw.greet(InstanceId::from_halves(9, round));
    wire::Buffer whole;
    wire::begin_packet(whole);
    wire::Request blocks = request(1, 1, "echo");
    if (round % 4 == 1) blocks.headers = {{"a", "b"}, {"name", "value"}};
    if (round % 4 == 3) blocks.expected_response = Expectation::Response::bytes;
    wire::append(whole, blocks);
    wire::append(whole, wire::Cancel{blocks.call});
    std::vector<std::byte> packet(whole.begin(), whole.end());
    for (int i = 0; i < 4; ++i) packet[random() % packet.size()] = std::byte(random() & 0xFF);
    if (round % 3 == 0) packet.resize(random() % packet.size());
    raw.send_bytes(packet);
    expect_server_serves();
  }

  // Some damage makes another valid packet; most of it does not.
  EXPECT_GE(server.counters().protocol_errors, 500u);
  EXPECT_EQ(server.counters().connections, 1u);
}

}  // namespace
}  // namespace trestle
