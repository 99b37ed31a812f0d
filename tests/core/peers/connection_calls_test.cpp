// Calls on an open connection: their one outcome, and whether the handler may have run.
#include <trestle/detail/read_reply.hpp>

#include "dispatch/kept_message.hpp"
#include "peers/connection_rig.hpp"

namespace trestle::peers {
namespace {

using Calls = ConnectionRig;

TEST_F(Calls, EndWithTheReply) {
  const auto connection = open();
  NotedSink sink;
  const auto id = call(*connection, &sink).value();

  receive(
      PacketBytes().add(wire::Reply{id, Codec::bytes, as_bytes(std::string_view("yes"))}).str());

  ASSERT_TRUE(sink.is_done());
  EXPECT_EQ(sink.outcome->value().payload.text(), "yes");
  EXPECT_EQ(connection->calls_pending(), 0u);
}

TEST_F(Calls, EndWithTheTextOfANack) {
  const auto connection = open();
  NotedSink sink;
  const auto id = call(*connection, &sink).value();

  receive(PacketBytes().add(wire::Nack{id, Errc::overloaded, Ran::no, "busy"}).str());

  EXPECT_TRUE(sink.error().is(Errc::overloaded));
  EXPECT_EQ(sink.error().text, "busy");
}

TEST_F(Calls, EndOnceAndCountALaterOutcomeAsStray) {
  const auto connection = open();
  NotedSink sink;
  const auto id = call(*connection, &sink).value();

  receive(PacketBytes().add(wire::Ack{id}).add(wire::Ack{id}).str());

  EXPECT_EQ(sink.completions, 1);
  EXPECT_EQ(strays_, 1);
}

TEST_F(Calls, AreNotEndedByALateReplyToTheirSlot) {
  const auto connection = open();
  NotedSink first, second;
  const auto old = call(*connection, &first, "h", clock_.now() + 1s).value();
  advance(1s);
  const auto fresh = call(*connection, &second).value();
  ASSERT_EQ(old.slot(), fresh.slot());

  receive(PacketBytes().add(wire::Ack{old}).str());

  EXPECT_FALSE(second.is_done());
  EXPECT_EQ(strays_, 1);
  receive(PacketBytes().add(wire::Ack{fresh}).str());
  EXPECT_TRUE(second.is_done());
}

TEST_F(Calls, MayHaveRunWhenTheirDeadlineComesAfterTheyLeft) {
  const auto connection = open();
  NotedSink sink;
  ASSERT_TRUE(call(*connection, &sink, "h", clock_.now() + 1s).has_value());

  advance(1s);

  EXPECT_TRUE(sink.error().is(Errc::deadline_exceeded));
  EXPECT_EQ(sink.error().ran, Ran::maybe);
}

TEST_F(Calls, DidNotRunWhenTheirDeadlineComesBeforeTheTransportTookThem) {
  const auto connection = open();
  NotedSink first, second;
  ASSERT_TRUE(call(*connection, &first).has_value());  // from here on the peer knows the name
  fake_.send_status = TT_E_AGAIN;
  ASSERT_TRUE(call(*connection, &second, "h", clock_.now() + 1s).has_value());

  advance(1s);
  EXPECT_EQ(second.error().ran, Ran::no);
  fake_.send_status = TT_OK;
  fake_.writable(conn());
  turn();

  EXPECT_EQ(frames(), "hello request:h#1 void ");
}

TEST_F(Calls, TellAnAckFromAnEmptyReplyAndTakeNoPong) {
  const auto connection = open();
  NotedSink acknowledged, answered;
  const auto first = call(*connection, &acknowledged).value();
  const auto second = call(*connection, &answered).value();

  receive(PacketBytes().add(wire::Ack{first}).add(wire::Pong{second.value}).str());

  EXPECT_EQ(acknowledged.outcome->value().codec, detail::acknowledged);
  EXPECT_EQ(answered.completions, 0);
  EXPECT_EQ(strays_, 1);
  connection->abandon(second);
}

TEST_F(Calls, TellThePeerWhenNobodyWaitsForThemAnyMore) {
  const auto connection = open();
  NotedSink late, cancelled;
  ASSERT_TRUE(call(*connection, &late, "h", clock_.now() + 1s).has_value());
  const auto id = call(*connection, &cancelled).value();

  advance(1s);
  EXPECT_TRUE(connection->cancel(id, detail::CallCanceller::Scope::any));
  flush();

  EXPECT_EQ(frames(), "hello request:h#1 request:#1 cancel cancel ");
  EXPECT_TRUE(cancelled.error().is(Errc::cancelled));
  EXPECT_EQ(cancelled.error().ran, Ran::maybe);
  EXPECT_FALSE(connection->cancel(id, detail::CallCanceller::Scope::any));
}

TEST_F(Calls, AreTakenBackWhenTheyHaveNotLeft) {
  const auto connection = open();
  NotedSink first, second;
  ASSERT_TRUE(call(*connection, &first).has_value());
  fake_.send_status = TT_E_AGAIN;
  const auto id = call(*connection, &second).value();

  EXPECT_TRUE(connection->cancel(id, detail::CallCanceller::Scope::not_sent));
  fake_.send_status = TT_OK;
  fake_.writable(conn());
  turn();

  EXPECT_EQ(frames(), "hello request:h#1 void ");
  EXPECT_EQ(second.error().ran, Ran::no);
}

TEST_F(Calls, ThatAreForgottenAreSentFromTheHandshakeOn) {
  const auto connection = dial();
  NotedSink forgotten, abandoned;
  const auto first = call(*connection, &forgotten).value();
  const auto second = call(*connection, &abandoned).value();

  connection->forget(first);
  connection->abandon(second);
  EXPECT_EQ(connection->calls_pending(), 0u);
  fake_.connected(conn());
  receive(PacketBytes().add(hello_of()).str());

  EXPECT_EQ(frames(), "hello request:h#1 ");
  receive(PacketBytes().add(wire::Ack{first}).str());
  EXPECT_EQ(strays_, 1);
  EXPECT_EQ(forgotten.completions, 0);
}

TEST_F(Calls, TravelWithTheTimeThatIsLeft) {
  const auto connection = open();
  NotedSink sink;
  ASSERT_TRUE(call(*connection, &sink, "h", clock_.now() + 1500ms).has_value());

  wire::PacketReader reader(as_bytes(conn().sent.back().bytes), 1 << 20);
  const auto frame = reader.next();

  EXPECT_EQ(std::get<wire::Request>(**frame).deadline_ms, 1500u);
}

TEST_F(Calls, SayWhichMayHaveRunWhenTheConnectionIsLost) {
  const auto connection = open();
  NotedSink left, queued;
  ASSERT_TRUE(call(*connection, &left).has_value());
  fake_.send_status = TT_E_AGAIN;
  ASSERT_TRUE(call(*connection, &queued).has_value());

  fake_.closed(conn(), TT_E_RESET, "reset");
  turn();

  EXPECT_TRUE(left.error().is(Errc::connection_lost));
  EXPECT_EQ(left.error().ran, Ran::maybe);
  EXPECT_EQ(queued.error().ran, Ran::no);
  EXPECT_EQ(left.completions + queued.completions, 2);
}

TEST_F(Calls, EndWhenTheTransportRefusesToSend) {
  const auto connection = open();
  NotedSink sink;
  fake_.send_status = TT_E_FAILED;
  ASSERT_TRUE(call(*connection, &sink).has_value());
  EXPECT_EQ(conn().close_flags, static_cast<std::uint32_t>(TT_CLOSE_ABORT));

  fake_.finish_closes();
  turn();

  EXPECT_EQ(sink.error().ran, Ran::no);
}

TEST_F(Calls, OfAPeerThatLeftAreTakenInThoughNothingCanBeSentAnyMore) {
  const auto connection = open();
  fake_.send_status = TT_E_CLOSED;
  connection->send_goodbye(Errc::draining, "cannot leave");
  flush();

  receive(PacketBytes()
              .add(wire::Request{.call = wire::CallId::make(1, 1),
                                 .handler = 1,
                                 .handler_name = "last",
                                 .payload = as_bytes("words")})
              .str());

  EXPECT_EQ(requests_, "last(words) ");
  EXPECT_FALSE(connection->is_usable());
}

TEST_F(Calls, AreRefusedWithTheLimitWhenTooLarge) {
  const auto connection = open();
  NotedSink sink;

  const auto refused = call(*connection, &sink, "h", {}, std::string(2 << 20, 'x'));

  EXPECT_TRUE(refused.error().is(Errc::payload_too_large));
  EXPECT_NE(refused.error().text.find("1048576 bytes"), std::string::npos);
  EXPECT_EQ(connection->calls_pending(), 0u);
}

TEST_F(Calls, AreRefusedWhenTheQueueIsFull) {
  limits_.queue_bytes_max = 10'000;
  const auto connection = open();
  fake_.send_status = TT_E_AGAIN;
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, std::string(9000, 'x')).has_value());

  const auto refused = call(*connection, nullptr, "h", {}, std::string(2000, 'x'));

  EXPECT_TRUE(refused.error().is(Errc::queue_full));
  EXPECT_NE(refused.error().text.find("queue_bytes_max is 10000"), std::string::npos);
}

TEST_F(Calls, TouchNoSinkOnceAbandoned) {
  const auto connection = open();
  NotedSink sink;
  const auto id = call(*connection, &sink).value();

  connection->abandon(id);
  receive(PacketBytes().add(wire::Ack{id}).str());

  EXPECT_EQ(sink.completions, 0);
  EXPECT_EQ(strays_, 1);
}

TEST_F(Calls, NameAHandlerOnce) {
  const auto connection = open();
  ASSERT_TRUE(call(*connection, nullptr, "sum").has_value());
  ASSERT_TRUE(call(*connection, nullptr, "sum").has_value());

  EXPECT_EQ(frames(), "hello request:sum#1 request:#1 ");
}

TEST_F(Calls, EndTheConnectionWhenANumberWasNeverNamed) {
  const auto connection = open();

  receive(PacketBytes().add(wire::Request{.handler = 3}).str());

  EXPECT_EQ(violations_, "request for handler number 3, which was never given a name\n");
  EXPECT_EQ(requests_, "");
}

TEST_F(Calls, OfThePeerAreCancelledOnceHoweverOftenItSaysSo) {
  const auto connection = open();
  const auto call = wire::CallId::make(1, 1);
  const auto message = std::make_shared<dispatch::KeptMessage>();
  connection->add_running(call, message);

  PacketBytes packet;
  for (int i = 0; i < 100; ++i) packet.add(wire::Cancel{call});
  receive(packet.str());

  EXPECT_EQ(cancels_, 1);
}

TEST_F(Calls, AnswerAPing) {
  const auto connection = open();

  receive(PacketBytes().add(wire::Ping{77}).str());

  EXPECT_EQ(frames(), "hello pong ");
}

TEST_F(Calls, KeepACloseInGoodOrderWhileTheTransportLingers) {
  const auto connection = open();
  connection->close(Error(Errc::connection_lost, "over"));
  fake_.send_status = TT_E_CLOSED;
  connection->send_goodbye(Errc::draining, "late");

  fake_.writable(conn());
  turn();

  EXPECT_EQ(conn().closes, 1);
  EXPECT_EQ(conn().close_flags, 0u);
}

TEST_F(Calls, OfARetiredConnectionEndBeforeItCloses) {
  const auto connection = open();
  NotedSink sink;
  const auto id = call(*connection, &sink).value();

  connection->retire();
  turn();
  EXPECT_FALSE(connection->is_usable());
  EXPECT_EQ(conn().closes, 0);
  receive(PacketBytes().add(wire::Reply{.call = id}).str());
  EXPECT_EQ(frames(), "hello request:h#1 goodbye:another connection to the same peer is in use ");
  EXPECT_EQ(conn().closes, 0) << "the peer may have calls of its own";
  receive(PacketBytes().add(wire::Goodbye{Errc::duplicate_connection, "done"}).str());

  EXPECT_EQ(conn().closes, 1);
  EXPECT_TRUE(sink.outcome->has_value());
}

}  // namespace
}  // namespace trestle::peers
