// How a connection ends: what is queued leaves first, for a bounded time.
#include <gtest/gtest.h>

#include "connection_rig.hpp"

namespace trestle::peers {
namespace {

class Closing : public ConnectionRig {};

const Error leaving(Errc::connection_lost, "leaving");

TEST_F(Closing, WaitsUntilTheTransportTookWhatIsQueued) {
  limits_.close_timeout = 5s;
  const auto connection = open();
  fake_.send_status = TT_E_AGAIN;
  ASSERT_TRUE(call(*connection, nullptr).has_value());

  connection->close(leaving);
  EXPECT_FALSE(conn().close_flags.has_value());
  fake_.send_status = TT_OK;
  fake_.writable(conn());
  turn();

  EXPECT_EQ(frames(), "hello request:h#1 ");
  EXPECT_EQ(conn().close_flags, 0u);
}

TEST_F(Closing, GivesUpOnAPeerThatTakesNothing) {
  limits_.close_timeout = 5s;
  const auto connection = open();
  fake_.send_status = TT_E_AGAIN;
  ASSERT_TRUE(call(*connection, nullptr).has_value());

  connection->close(leaving);
  advance(5s);

  EXPECT_EQ(conn().close_flags, static_cast<std::uint32_t>(TT_CLOSE_ABORT));
}

TEST_F(Closing, EndsAPeerThatAsksOnAndReadsNoOutcome) {
  limits_.queue_bytes_max = 10'000;
  const auto connection = open();
  fake_.send_status = TT_E_AGAIN;

  for (int i = 0; i < 1000; ++i) {
    connection->send_nack(wire::CallId::make(1, 1), Error(Errc::overloaded, "no"));
    flush();
  }

  EXPECT_EQ(conn().close_flags, static_cast<std::uint32_t>(TT_CLOSE_ABORT));
  EXPECT_NE(violations_.find("reads no outcome"), std::string::npos) << violations_;
}

TEST_F(Closing, TellsWhoWaitsAtOnceThatTheHandshakeFailed) {
  const auto connection = dial();
  fake_.connected(conn());
  turn();
  NotedSink waiting;
  ASSERT_TRUE(call(*connection, &waiting).has_value());

  advance(2s);

  EXPECT_EQ(refused_.size(), 1u);
  EXPECT_TRUE(waiting.error().is(Errc::handshake_failed));
  EXPECT_EQ(waiting.error().ran, Ran::no);
  EXPECT_TRUE(closed_.empty()) << "the transport may take its time";
}

TEST_F(Closing, DropsRepliesThatAPeerDoesNotReadAndSaysSo) {
  limits_.queue_bytes_max = 10'000;
  const auto connection = open();
  fake_.send_status = TT_E_AGAIN;
  const auto reply = [&] {
    connection->send_reply(wire::CallId::make(1, 1),
                           {Codec::bytes, Payload::copy(std::string(9000, 'x'))});
    flush();
  };

  for (int i = 0; i < 3; ++i) reply();
  fake_.send_status = TT_OK;
  fake_.writable(conn());
  turn();

  EXPECT_NE(frames().find("hello reply reply nack:the reply of 9024 bytes was dropped"),
            std::string::npos)
      << frames();
}

TEST_F(Closing, KeepsNoQueueForThoseWhoHoldTheConnection) {
  const auto connection = open();
  fake_.send_status = TT_E_AGAIN;
  connection->send_reply(wire::CallId::make(1, 1),
                         {Codec::bytes, Payload::copy(std::string(9000, 'x'))});
  flush();
  EXPECT_FALSE(connection->is_flushed());

  fake_.closed(conn(), TT_E_RESET, "gone");
  turn();

  EXPECT_EQ(connection->queued_bytes(), 0u);
}

TEST_F(Closing, RunsNothingThatFollowsInThePacketThatEndedIt) {
  limits_.queue_bytes_max = 1000;
  const auto connection = open();
  fake_.send_status = TT_E_AGAIN;
  PacketBytes packet;
  for (int i = 0; i < 100; ++i) {  // refused one by one, until the refusals end the connection
    packet.add(wire::Request{
        .call = wire::CallId::make(1, 1), .handler = 0, .handler_name = "", .payload = {}});
  }
  packet.add(wire::Request{.call = wire::CallId::make(1, 1), .handler = 1, .handler_name = "h"});

  receive(packet.str());

  EXPECT_EQ(conn().close_flags, static_cast<std::uint32_t>(TT_CLOSE_ABORT));
  EXPECT_EQ(requests_, "");
}

TEST_F(Closing, RefusesAHelloOfNoIncarnation) {
  dial();
  fake_.connected(conn());
  receive(PacketBytes().add(hello_of(peer_id, 0)).str());

  EXPECT_NE(frames().find("goodbye:hello with incarnation 0"), std::string::npos) << frames();
}

TEST_F(Closing, ReadsWhatThePeerSentBeforeItLeft) {
  const auto connection = open();
  receive(PacketBytes().add(wire::Ping{1}).str());
  fake_.send_status = TT_E_CLOSED;
  receive(PacketBytes().add(wire::Ping{2}).str());  // nobody takes the pong
  ASSERT_EQ(conn().closes, 0);

  receive(PacketBytes()
              .add(wire::Request{.call = wire::CallId::make(wire::CallId::no_slot, 1),
                                 .handler = 1,
                                 .handler_name = "h",
                                 .payload = as_bytes(std::string_view("last"))})
              .str());
  fake_.closed(conn(), TT_E_CLOSED);
  turn();

  EXPECT_EQ(requests_, "h(last) ");
  EXPECT_EQ(closed_.size(), 1u);
}

}  // namespace
}  // namespace trestle::peers
