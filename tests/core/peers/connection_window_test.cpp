// Requests that wait: for room in the peer's window, and for room in the queue.
#include "peers/connection_rig.hpp"

namespace trestle::peers {
namespace {

class Window : public ConnectionRig {
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
  /// A send that waits for room until `deadline`, as the node makes it.
  void block(Connection& connection, BlockedSend& send, std::string payload) {
    send.request = {"h", DeliveryMode::fire_and_forget, {Codec::bytes, Payload::copy(payload)}};
    connection.wait_for_room(send);
  }
  std::size_t requests_sent() {
    std::size_t count = 0;
    const std::string all = frames();
    for (auto at = all.find("request"); at != std::string::npos; at = all.find("request", at + 1)) {
      ++count;
    }
    return count;
  }
};

TEST_F(Window, BoundsTheRequestsUnderWay) {
  const auto connection = open_with_window(2);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(call(*connection, nullptr).has_value());
  EXPECT_EQ(requests_sent(), 2u);

  receive(PacketBytes().add(wire::Window{2}).str());

  EXPECT_EQ(requests_sent(), 4u);
}

TEST_F(Window, HasRoomAgainWithEachOutcome) {
  const auto connection = open_with_window(1);
  NotedSink first, second;
  const auto id = call(*connection, &first).value();
  ASSERT_TRUE(call(*connection, &second).has_value());
  EXPECT_EQ(requests_sent(), 1u);

  receive(PacketBytes().add(wire::Nack{id, Errc::overloaded, Ran::no, "busy"}).str());

  EXPECT_TRUE(first.is_done());
  EXPECT_EQ(requests_sent(), 2u);
  fake_.closed(conn(), TT_E_RESET);
  turn();
}

TEST_F(Window, KeepsTheOrderOfThoseThatStillWaitWhenOthersEnd) {
  const auto connection = open_with_window(1);
  NotedSink first, a, cancelled, abandoned, forgotten, last;
  const auto running = call(*connection, &first, "first").value();
  ASSERT_TRUE(call(*connection, &a, "a").has_value());
  const auto second = call(*connection, &cancelled, "b").value();
  const auto third = call(*connection, &abandoned, "c").value();
  ASSERT_TRUE(call(*connection, nullptr, "d").has_value());
  const auto fourth = call(*connection, &forgotten, "e").value();
  ASSERT_TRUE(call(*connection, &last, "f").has_value());

  connection->abandon(third);
  connection->forget(fourth);
  EXPECT_TRUE(connection->cancel(second, detail::CallCanceller::Scope::not_sent));
  EXPECT_EQ(cancelled.error().ran, Ran::no);
  receive(PacketBytes().add(wire::Ack{running}).str());
  for (int i = 0; i < 5; ++i) receive(PacketBytes().add(wire::Window{1}).str());

  EXPECT_EQ(frames(), "hello request:first#1 request:a#2 request:d#3 request:e#4 request:f#5 ");
  EXPECT_EQ(connection->calls_pending(), 2u);
  connection->abort(Error(Errc::connection_lost, "over"));
  fake_.finish_closes();
  turn();
  EXPECT_EQ(a.completions + last.completions, 2);
}

TEST_F(Window, HasRoomAgainWithAnOutcomeThatComesTooLate) {
  const auto connection = open_with_window(1);
  NotedSink late;
  const auto id = call(*connection, &late, "h", clock_.now() + 1s).value();
  ASSERT_TRUE(call(*connection, nullptr).has_value());
  advance(1s);
  EXPECT_EQ(requests_sent(), 1u) << "the peer is still at it";

  receive(PacketBytes().add(wire::Ack{id}).str());

  EXPECT_EQ(requests_sent(), 2u);
}

TEST_F(Window, IsNotWornOutByACreditTooMany) {
  const auto connection = open_with_window(1);

  receive(PacketBytes().add(wire::Window{100}).str());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(call(*connection, nullptr).has_value());

  EXPECT_EQ(requests_sent(), 1u);
}

TEST_F(Window, LeavesCallsThatNeverLeftToTheirDeadline) {
  const auto connection = open_with_window(1);
  NotedSink waiting;
  ASSERT_TRUE(call(*connection, nullptr).has_value());
  ASSERT_TRUE(call(*connection, &waiting, "h", clock_.now() + 1s).has_value());

  advance(1s);
  EXPECT_EQ(waiting.error().ran, Ran::no);
  receive(PacketBytes().add(wire::Window{1}).str());

  EXPECT_EQ(requests_sent(), 1u);
}

TEST_F(Window, KeepsAConnectionUnflushedAndUnretiredWhileRequestsWait) {
  const auto connection = open_with_window(1);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(call(*connection, nullptr).has_value());
  EXPECT_FALSE(connection->is_flushed());

  connection->retire();
  flush();
  EXPECT_EQ(frames().find("goodbye"), std::string::npos);
  receive(PacketBytes().add(wire::Window{1}).str());

  EXPECT_EQ(requests_sent(), 2u);
  EXPECT_NE(frames().find("goodbye"), std::string::npos);
  EXPECT_TRUE(connection->is_flushed());
}

TEST_F(Window, LetsSendersInOnceTheQueueIsHalfEmptyAndInOrder) {
  limits_.queue_bytes_max = 1000;
  const auto connection = open_with_window(1);
  ASSERT_TRUE(call(*connection, nullptr).has_value());
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, std::string(900, 'x')).has_value());
  BlockedSend first, second;
  block(*connection, first, std::string(400, 'a'));
  block(*connection, second, std::string(400, 'b'));
  EXPECT_EQ(call(*connection, nullptr, "h", {}, std::string(300, 'c')).error().code,
            make_error_code(Errc::queue_full));
  turn();
  EXPECT_EQ(admitted_, 0);

  receive(PacketBytes().add(wire::Window{1}).str());

  EXPECT_EQ(admitted_, 1) << "two would fill more than half";
  EXPECT_TRUE(first.admitted.has_value());
  EXPECT_TRUE(second.admitted.error().is(Errc::deadline_exceeded)) << "until it is admitted";
  connection->stop_waiting_for_room(second);
}

TEST_F(Window, GivesTheRoomOfAnExpiredCallToWhoWaits) {
  limits_.queue_bytes_max = 1000;
  const auto connection = open_with_window(1);
  ASSERT_TRUE(call(*connection, nullptr).has_value());
  NotedSink expiring;
  ASSERT_TRUE(
      call(*connection, &expiring, "h", clock_.now() + 1s, std::string(900, 'x')).has_value());
  BlockedSend send;
  block(*connection, send, std::string(400, 'a'));

  advance(1s);

  EXPECT_TRUE(expiring.is_done());
  EXPECT_TRUE(send.admitted.has_value());
}

TEST_F(Window, EndsWhoWaitsForRoomWithTheConnection) {
  limits_.queue_bytes_max = 1000;
  const auto connection = open_with_window(1);
  ASSERT_TRUE(call(*connection, nullptr).has_value());
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, std::string(900, 'x')).has_value());
  BlockedSend send;
  block(*connection, send, std::string(400, 'a'));

  fake_.closed(conn(), TT_E_RESET, "reset");
  turn();

  EXPECT_EQ(admitted_, 1);
  EXPECT_TRUE(send.admitted.error().is(Errc::connection_lost));
  EXPECT_EQ(send.admitted.error().ran, Ran::no);
}

TEST_F(Window, ClosingEndsWhoWaitsForRoomWithoutSendingForThem) {
  limits_.queue_bytes_max = 1024;
  const auto connection = open_with_window(1);
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, std::string(900, 'x')).has_value());
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, std::string(900, 'x')).has_value());
  BlockedSend send;
  block(*connection, send, std::string(900, 'y'));

  connection->close(Error(Errc::connection_lost, "disconnected by this node"));
  turn();

  EXPECT_EQ(admitted_, 1);
  EXPECT_TRUE(send.admitted.error().is(Errc::connection_lost));
  EXPECT_EQ(send.admitted.error().ran, Ran::no);
}

TEST_F(Window, IsNotReachedPastThoseWhoWaitForRoom) {
  limits_.queue_bytes_max = 1024;
  const auto connection = open_with_window(1);
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, std::string(300, 'x')).has_value());
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, std::string(300, 'x')).has_value());
  BlockedSend send;
  block(*connection, send, std::string(900, 'y'));

  const auto overtaking = call(*connection, nullptr, "h", {}, "small");

  EXPECT_TRUE(overtaking.error().is(Errc::queue_full));
  connection->stop_waiting_for_room(send);
  EXPECT_TRUE(call(*connection, nullptr, "h", {}, "small").has_value());
}

TEST_F(Window, TellsThePeerTheTimeThatIsLeftAfterWaitingForRoom) {
  limits_.queue_bytes_max = 1024;
  const auto connection = open_with_window(2);
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, "1").has_value());
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, "2").has_value());
  ASSERT_TRUE(call(*connection, nullptr, "h", {}, std::string(900, 'x')).has_value());
  NotedSink sink;
  BlockedSend send;
  send.sink = &sink;
  send.request = {"late",
                  DeliveryMode::with_response,
                  {Codec::bytes, Payload::copy("y")},
                  clock_.now() + 1s,
                  clock_.now()};
  connection->wait_for_room(send);
  clock_.advance(900ms);

  receive(PacketBytes().add(wire::Window{2}).str());
  flush();  // what was admitted while the one before it left

  std::optional<std::uint32_t> left;
  for (const auto& packet : conn().sent) {
    wire::PacketReader reader(as_bytes(packet.bytes), 1 << 20);
    for (auto frame = reader.next(); frame && *frame; frame = reader.next()) {
      const auto* request = std::get_if<wire::Request>(&**frame);
      if (request != nullptr && request->handler_name == "late") left = request->deadline_ms;
    }
  }
  EXPECT_EQ(left, 100u);
  fake_.closed(conn(), TT_E_RESET);
  turn();
}

}  // namespace
}  // namespace trestle::peers
