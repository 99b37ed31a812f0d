// What is said of requests when their connection is lost, and what a successor takes over.
#include <gmock/gmock.h>

#include "connection_rig.hpp"

namespace trestle::peers {
namespace {

class Loss : public ConnectionRig {
 protected:
  /// A connection to a peer that takes so many requests at once.
  std::shared_ptr<Connection> open_with_window(std::uint32_t window) {
    auto connection = dial();
    fake_.connected(conn());
    wire::Hello hello = hello_of();
    hello.window = window;
    receive(PacketBytes().add(hello).str());
    EXPECT_TRUE(connection->is_open());
    return connection;
  }
  void lose(fakes::FakeConn& of) {
    fake_.closed(of, TT_E_RESET, "gone");
    turn();
  }
  void reply(wire::CallId id) {
    receive(PacketBytes().add(wire::Reply{.call = id, .codec = Codec::bytes}).str());
  }
};

TEST_F(Loss, OfWhatTheTransportHadNoRoomForIsKnownAsNotRun) {
  const auto connection = open();
  NotedSink sent;
  NotedSink unsent;
  call(*connection, &sent).value();
  fake_.sends_left = 0;
  call(*connection, &unsent).value();

  lose(conn());

  EXPECT_EQ(sent.error().ran, Ran::maybe);
  EXPECT_EQ(unsent.error().ran, Ran::no);
}

TEST_F(Loss, OfAPendingPacketIsNotKnownAlsoIfTheTransportSaysThatItFailed) {
  const auto connection = open();
  fake_.send_status = TT_PENDING;
  NotedSink sink;
  call(*connection, &sink, "h", {}, std::string(8000, 'x')).value();
  tt_event failed = fakes::FakeTransport::event_of(conn(), TT_EV_SENT);
  failed.op = conn().sent.back().op;
  failed.status = TT_E_RESET;
  fake_.push(failed);

  lose(conn());

  // It says that the memory is free again: a library may have sent it all the same.
  EXPECT_EQ(sink.error().ran, Ran::maybe);
}

TEST_F(Loss, OfMessagesThatDidNotLeaveIsCounted) {
  const auto connection = open_with_window(100);
  fake_.sends_left = 0;
  for (int i = 0; i < 3; ++i) call(*connection, nullptr).value();

  lose(conn());

  EXPECT_EQ(lost_, "3 unsent, 0 in doubt: connection_lost\n");
}

TEST_F(Loss, OfMessagesThatLeftIsInDoubtUntilThePeerSaysThatTheyAreDone) {
  const auto connection = open_with_window(100);
  for (int i = 0; i < 5; ++i) call(*connection, nullptr).value();
  receive(PacketBytes().add(wire::Window{2}).str());

  lose(conn());

  EXPECT_EQ(lost_, "0 unsent, 3 in doubt: connection_lost\n");
}

TEST_F(Loss, OfMessagesBeyondTheWindowIsCounted) {
  const auto connection = open_with_window(1);
  for (int i = 0; i < 3; ++i) call(*connection, nullptr).value();

  lose(conn());

  EXPECT_EQ(lost_,
            "2 unsent, 0 in doubt: connection_lost\n0 unsent, 1 in doubt: connection_lost\n");
}

TEST_F(Loss, IsNoneIfThePeerTookAllBeforeWeClosed) {
  const auto connection = open_with_window(100);
  for (int i = 0; i < 5; ++i) call(*connection, nullptr).value();
  connection->close(Error(Errc::shut_down, "enough"));
  fake_.finish_closes();
  turn();

  EXPECT_EQ(lost_, "");
}

TEST_F(Loss, OfMessagesThatWereNeverConnectedHasTheReasonOfThat) {
  const auto connection = dial();
  call(*connection, nullptr).value();
  fake_.closed(conn(), TT_E_REFUSED, "nobody there");
  turn();

  EXPECT_EQ(lost_, "1 unsent, 0 in doubt: connect_refused\n");
}

TEST_F(Loss, IsNotWhatEitherSideWanted) {
  const auto lost = open();
  lose(conn());
  EXPECT_TRUE(lost->is_lost());

  const auto closed = open();
  fake_.closed(conn(), TT_E_CLOSED);
  turn();
  EXPECT_FALSE(closed->is_lost());

  const auto left = open();
  receive(PacketBytes().add(wire::Goodbye{Errc::draining, "bye"}).str());
  lose(conn());
  EXPECT_FALSE(left->is_lost());

  const auto disconnected = open();
  disconnected->close(Error(Errc::connection_lost, "disconnected by this node"));
  lose(conn());
  EXPECT_FALSE(disconnected->is_lost());
}

TEST_F(Loss, AfterTheGoodbyeOfADrainedPeerIsKnownToHaveRunNothing) {
  const auto connection = open();
  NotedSink answered;
  call(*connection, &answered, "a").value();

  receive(PacketBytes()
              .add(wire::Goodbye{Errc::draining, "bye"})
              .add(wire::Goodbye{Errc::shut_down, "drained"})
              .str());
  fake_.closed(conn(), TT_E_CLOSED);
  turn();

  EXPECT_TRUE(answered.error().is(Errc::connection_lost));
  EXPECT_EQ(answered.error().ran, Ran::no);
}

TEST_F(Loss, LeavesWhatHadNotLeftToASuccessor) {
  const auto connection = open_with_window(1);
  NotedSink sent;
  NotedSink waiting;
  call(*connection, &sent, "a").value();
  const wire::CallId id = call(*connection, &waiting, "b").value();
  call(*connection, nullptr, "c").value();
  successor_ = make(Opener::us);

  lose(conn());
  EXPECT_EQ(sent.error().ran, Ran::maybe);
  EXPECT_FALSE(waiting.is_done());
  EXPECT_EQ(lost_, "");

  engine::LinkEvents& events = *successor_;
  successor_->attach(*transport_, transport_->connect("fake://b", events).value());
  fake_.connected(conn());
  receive(PacketBytes().add(hello_of()).str());
  EXPECT_EQ(frames(), "hello request:b#1 request:c#2 ");
  reply(id);
  EXPECT_TRUE(waiting.is_done());
  EXPECT_TRUE(waiting.outcome->has_value());
  EXPECT_EQ(waiting.completions, 1);
}

TEST_F(Loss, OfTheSuccessorEndsWhatItTookOver) {
  const auto connection = open_with_window(1);
  NotedSink sent;
  NotedSink waiting;
  NotedSink late;
  call(*connection, &sent, "a").value();
  call(*connection, &waiting, "b").value();
  call(*connection, &late, "c", clock_.now() + 1s).value();
  successor_ = make(Opener::us);
  lose(conn());

  advance(1s);
  EXPECT_TRUE(late.error().is(Errc::deadline_exceeded)) << "its deadline is the successor's now";
  EXPECT_EQ(late.error().ran, Ran::no);
  std::exchange(successor_, nullptr)->fail(Error(Errc::connection_lost, "in vain"));

  EXPECT_TRUE(waiting.error().is(Errc::connection_lost));
  EXPECT_EQ(waiting.error().ran, Ran::no);
  EXPECT_EQ(waiting.completions, 1);
}

}  // namespace
}  // namespace trestle::peers
