// Small messages that expect nothing: the same frames as others, in the same order, in packets and
// in runs that wait for the peer's window.
#include "peers/connection_rig.hpp"

namespace trestle::peers {
namespace {

class SmallMessages : public ConnectionRig {
 protected:
  std::shared_ptr<Connection> open_with_window(std::uint32_t window) {
    auto connection = dial();
    fake_.connected(conn());
    wire::Hello hello = hello_of();
    hello.window = window;
    receive(PacketBytes().add(hello).str());
    return connection;
  }
  /// Has the peer know the name.
  void name(Connection& connection, std::string_view handler) {
    ASSERT_TRUE(call(connection, nullptr, handler).has_value());
  }
  std::optional<SmallMessage> send(Connection& connection, std::string_view handler,
                                   std::string_view payload = "x") {
    const auto sent = connection.send_small(handler, Codec::bytes, as_bytes(payload));
    if (sent) connection.announce_output();
    return sent;
  }
};

TEST_F(SmallMessages, NeedAHandlerThatThePeerKnowsByItsNumber) {
  const auto connection = open();

  EXPECT_FALSE(send(*connection, "h").has_value());
  name(*connection, "h");
  EXPECT_TRUE(send(*connection, "h").has_value());
  flush();

  EXPECT_EQ(frames(), "hello request:h#1 request:#1 ");
}

TEST_F(SmallMessages, NeverGoToASystemsHandler) {
  const auto connection = open();
  name(*connection, "_list");

  EXPECT_FALSE(send(*connection, "_list").has_value());
}

TEST_F(SmallMessages, LeaveLargeOnesAndThoseWithoutRoomToOthers) {
  limits_.queue_bytes_max = 1000;
  const auto connection = open();
  name(*connection, "h");

  EXPECT_FALSE(send(*connection, "h", std::string(Outbox::lend_bytes_min, 'x')).has_value());
  EXPECT_TRUE(send(*connection, "h", std::string(600, 'x')).has_value());
  EXPECT_FALSE(send(*connection, "h", std::string(600, 'x')).has_value());
}

TEST_F(SmallMessages, WaitForTheWindowInOrderWithOtherRequests) {
  const auto connection = open_with_window(2);
  name(*connection, "a");
  name(*connection, "b");

  send(*connection, "a");
  send(*connection, "b");
  ASSERT_TRUE(call(*connection, nullptr, "c").has_value());
  send(*connection, "b");
  EXPECT_EQ(frames(), "hello request:a#1 request:b#2 ");
  EXPECT_GT(connection->unsent_bytes(), 0u);

  receive(PacketBytes().add(wire::Window{1}).str());
  EXPECT_EQ(frames(), "hello request:a#1 request:b#2 request:#1 ");
  for (int i = 0; i < 3; ++i) receive(PacketBytes().add(wire::Window{1}).str());

  EXPECT_EQ(frames(),
            "hello request:a#1 request:b#2 request:#1 request:#2 request:c#3 request:#2 ");
  EXPECT_EQ(connection->unsent_bytes(), 0u);
}

TEST_F(SmallMessages, LeaveAsOnePacketWhenTheWindowHasRoomForAll) {
  const auto connection = open_with_window(100);
  name(*connection, "h");
  for (int i = 1; i < 200; ++i) send(*connection, "h");
  flush();
  const std::size_t packets = conn().sent.size();

  receive(PacketBytes().add(wire::Window{100}).str());

  EXPECT_EQ(conn().sent.size(), packets + 1);
  EXPECT_EQ(connection->unsent_bytes(), 0u);
}

TEST_F(SmallMessages, KeepTheirPlaceWhenTheyWaitForAnotherConnection) {
  const auto lost = open_with_window(2);
  name(*lost, "a");
  name(*lost, "b");
  send(*lost, "b", "first");
  send(*lost, "a", "second");
  ASSERT_TRUE(call(*lost, nullptr, "c").has_value());
  successor_ = dial();

  lost->fail(Error(Errc::connection_lost, "gone"));
  fake_.connected(conn());
  receive(PacketBytes().add(hello_of()).str());

  EXPECT_EQ(frames(), "hello request:b#1 request:a#2 request:c#3 ");
  EXPECT_EQ(lost_, "");
}

TEST_F(SmallMessages, AreCountedOneByOneWhenTheyAreLost) {
  const auto connection = open_with_window(1);
  name(*connection, "h");
  for (int i = 0; i < 5; ++i) send(*connection, "h");

  connection->fail(Error(Errc::connection_lost, "gone"));

  EXPECT_NE(lost_.find("5 unsent"), std::string::npos) << lost_;
}

TEST_F(SmallMessages, SayWhenTheyBeginAPacket) {
  using Place = SmallMessage::Place;
  const auto connection = open_with_window(1000);
  name(*connection, "h");
  const auto place = [&](std::string_view payload) {
    return send(*connection, "h", payload)->place;
  };

  EXPECT_EQ(place("x"), Place::new_packet);
  EXPECT_EQ(place("x"), Place::packet);
  for (int i = 0; i < 40; ++i) place(std::string(4000, 'x'));
  const std::size_t before = conn().sent.size();
  connection->flush_full_packets();

  EXPECT_EQ(conn().sent.size(), before + 2);
  EXPECT_GT(connection->queued_bytes(), 0u) << "the last one still takes frames";
}

}  // namespace
}  // namespace trestle::peers
