// Limits that all peers of a node share: one that takes all it can leaves room for others.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include "trestle/test_support/raw_peer.hpp"

namespace trestle {
namespace {

using test_support::RawPeer;
using ::testing::HasSubstr;
using testing::TestNetwork;
using namespace std::chrono_literals;

/// Characters, which MessagePack makes 1000 bytes of.
constexpr std::size_t thousand = 997;

class SharedLimits : public ::testing::Test {
 protected:
  Node& serve(NodeOptions options) {
    options.log = [this](LogLevel level, std::string_view line) {
      if (level <= LogLevel::warning) lines.emplace_back(line);
    };
    Node& server = network.add_node(std::move(options));
    server
        .add(unary("hold", [this](BytesView, Reply<int> reply) { running.push_back(reply); },
                   {.concurrency_max = 1}))
        .value();
    uri = server.listen("inproc://*").value();
    return server;
  }
  Peer peer() { return network.add_node().connect(uri).value().with_timeout(1s); }
  /// Messages of so many bytes, each in a packet of its own; how many were refused.
  std::uint64_t send(Node& server, const Peer& from, int count, std::size_t bytes) {
    const auto before = server.counters().messages_refused;
    for (int i = 0; i < count; ++i) {
      from.send("hold", std::string(bytes, 'x')).value();
      network.settle();
    }
    return server.counters().messages_refused - before;
  }

  std::vector<Reply<int>> running;
  std::vector<std::string> lines;
  TestNetwork network;
  std::string uri;
};

TEST_F(SharedLimits, OfWaitingBytesAreHalfForOneConnection) {
  Node& server = serve({.spawn_queue_bytes = 10'000});
  const Peer greedy = peer();
  send(server, greedy, 1, thousand);  // runs: its bytes are its handler's

  EXPECT_EQ(send(server, greedy, 10, thousand), 5u);
  const auto refused = greedy.call<int>("hold", std::string(thousand, 'x'));

  EXPECT_TRUE(refused.error().is(Errc::overloaded));
  EXPECT_EQ(refused.error().ran, Ran::no);
  EXPECT_THAT(refused.error().text, HasSubstr("wait for handlers are 5000"));
  EXPECT_THAT(refused.error().text, HasSubstr("spawn_queue_bytes is 10000"));
}

TEST_F(SharedLimits, OfWaitingBytesLeaveRoomForOthers) {
  Node& server = serve({.spawn_queue_bytes = 10'000});
  const Peer greedy = peer();
  send(server, greedy, 100, thousand);
  const Peer other = peer();

  EXPECT_EQ(send(server, other, 2, thousand), 0u);
}

TEST_F(SharedLimits, OfWaitingMessagesLeaveRoomForOthers) {
  Node& server = serve({.spawn_queue_messages = 400});
  const Peer greedy = peer();
  const auto refused = send(server, greedy, 401, 1);
  const Peer other = peer();

  EXPECT_GE(refused, 199u) << "one may have 200 waiting, and one more runs";
  EXPECT_EQ(send(server, other, 50, 1), 0u);
}

TEST_F(SharedLimits, OfWaitingMessagesAreExactlyHalfForOneConnection) {
  Node& server = serve({.spawn_queue_messages = 400});
  const Peer one = peer();

  EXPECT_EQ(send(server, one, 201, 1), 0u) << "one runs, 200 wait";
  const auto refused = one.call<int>("hold", std::string("x"));

  EXPECT_TRUE(refused.error().is(Errc::overloaded)) << refused.error();
  EXPECT_THAT(refused.error().text, HasSubstr("spawn_queue_messages is 400"));
}

TEST_F(SharedLimits, OfWaitingMessagesAreExactForAHandler) {
  Node& server = serve({.spawn_queue_messages = 10});
  const Peer one = peer();
  const Peer other = peer();

  EXPECT_EQ(send(server, one, 6, 1), 0u) << "one runs";
  EXPECT_EQ(send(server, other, 5, 1), 0u) << "ten wait";
  const auto refused = other.call<int>("hold", std::string("x"));

  EXPECT_TRUE(refused.error().is(Errc::overloaded)) << refused.error();
  EXPECT_EQ(refused.error().ran, Ran::no);
  EXPECT_THAT(refused.error().text, HasSubstr("10"));
  EXPECT_THAT(refused.error().text, HasSubstr("spawn_queue_messages"));
  const auto first = running.at(0);
  first(0);
  network.settle();
  EXPECT_EQ(send(server, other, 1, 1), 0u) << "there is room for one again";
  EXPECT_EQ(send(server, other, 1, 1), 1u);
}

TEST_F(SharedLimits, OfUnsentBytesRefuseWhoHasMoreThanIsLeft) {
  Node& server = serve({.unsent_bytes_max = 30'000});
  const auto give = [] { return std::string(3000, 'x'); };
  server.add(unary("give", give, {.execution = Execution::inline_})).value();
  RawPeer greedy(network.driver(), uri);
  greedy.greet();
  wire::Buffer packet;
  wire::begin_packet(packet);
  for (std::uint32_t i = 0; i < 12; ++i) {
    wire::append(packet, wire::Request{.call = wire::CallId::make(i, 1),
                                       .handler = 1,
                                       .mode = DeliveryMode::with_response,
                                       .handler_name = i == 0 ? "give" : ""});
  }

  greedy.send_bytes(packet);

  // All run in one turn, so that nothing leaves before the last one.
  EXPECT_EQ(greedy.take<wire::Reply>().size(), 4u);
  const auto nacks = greedy.take<wire::Nack>();
  ASSERT_EQ(nacks.size(), 8u);
  EXPECT_EQ(nacks[0].code, Errc::queue_full);
  EXPECT_THAT(std::string(nacks[0].text), HasSubstr("unsent_bytes_max is 30000"));
}

TEST_F(SharedLimits, OfStrangersCloseTheOldestBeyondThem) {
  Node& server = serve({.unauthenticated_peers_max = 2});
  RawPeer first(network.driver(), uri);
  RawPeer second(network.driver(), uri);
  EXPECT_FALSE(first.is_closed());
  EXPECT_EQ(server.counters().strangers_closed, 0u);

  RawPeer third(network.driver(), uri);
  first.settle();

  EXPECT_TRUE(first.is_closed());
  EXPECT_FALSE(second.is_closed());
  EXPECT_EQ(server.counters().strangers_closed, 1u);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("more than 2 connections have said no hello "
                                  "(unauthenticated_peers_max)"));
}

TEST_F(SharedLimits, OfStrangersDoNotCountWhoSaidHello) {
  Node& server = serve({.unauthenticated_peers_max = 1});
  std::vector<Peer> peers;

  for (int i = 0; i < 5; ++i) peers.push_back(peer());
  network.settle();

  EXPECT_EQ(server.counters().connections, 5u);
  EXPECT_EQ(server.counters().strangers_closed, 0u);
}

TEST_F(SharedLimits, OfLogLinesCountWhatTheyLeaveOut) {
  Node& server = serve({});
  const auto break_the_protocol = [&] { RawPeer(network.driver(), uri).send(wire::Ping{1}); };
  for (int i = 0; i < 5; ++i) break_the_protocol();
  network.settle();
  EXPECT_EQ(server.counters().protocol_errors, 5u);
  EXPECT_EQ(lines.size(), 1u);

  network.advance(1s);

  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], HasSubstr("4 more like it, the last: connection "));
  break_the_protocol();
  EXPECT_TRUE(server.close().has_value());
  ASSERT_EQ(lines.size(), 3u) << "nothing is left out at the end";
  EXPECT_THAT(lines[2], HasSubstr("1 more like it"));
}

TEST_F(SharedLimits, OfLogLinesLetOneBeLoggedInTheirInterval) {
  serve({.log_interval = 300ms});
  const auto break_the_protocol = [&] { RawPeer(network.driver(), uri).send(wire::Ping{1}); };
  break_the_protocol();
  break_the_protocol();

  network.advance(300ms - 1ns);
  EXPECT_EQ(lines.size(), 1u);
  network.advance(1ns);

  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], HasSubstr("1 more like it"));
  network.advance(300ms);
  break_the_protocol();
  EXPECT_EQ(lines.size(), 3u) << "the interval is over: a line of its own";
}

TEST_F(SharedLimits, OfLogLinesThatAreZeroLogEach) {
  serve({.log_interval = 0ms});

  for (int i = 0; i < 3; ++i) RawPeer(network.driver(), uri).send(wire::Ping{1});

  EXPECT_EQ(lines.size(), 3u);
}

TEST_F(SharedLimits, OfLogLinesAreApartForStrangersAndPeers) {
  serve({});
  for (int i = 0; i < 5; ++i) RawPeer(network.driver(), uri).send(wire::Ping{1});
  RawPeer known(network.driver(), uri);
  known.greet();

  known.greet();

  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], HasSubstr("a second hello"));
}

TEST_F(SharedLimits, OfLogLinesHoldForWhatPeersMakeHandlersSay) {
  Node& server = serve({});
  server.add(am("say", [](const std::string& text) -> Result<void> { return refuse(text); }))
      .value();
  const Peer loud = peer();

  loud.send("say", std::string("one\r\ntwo\x1b[2J\0three", 19)).value();
  network.settle();
  loud.send("say", std::string(1 << 20, 'A')).value();
  network.settle();
  network.advance(1s);

  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], HasSubstr("one\\x0d\\x0atwo\\x1b[2J\\x00three"));
  EXPECT_LT(lines[1].size(), 400u);
  for (const std::string& line : lines) {
    for (const char byte : line) EXPECT_GE(static_cast<unsigned char>(byte), 0x20) << line;
  }
}

}  // namespace
}  // namespace trestle
