// Who is admitted as which peer, and which of several connections stays.
#include "peers/peer_table.hpp"

#include "peers/connection_rig.hpp"

namespace trestle::peers {
namespace {

class PeerTableTest : public ConnectionRig {
 protected:
  Result<Admission> on_hello(Connection& connection, const PeerFacts& peer) override {
    auto admitted = table_.admit(connection, peer, nullptr);
    if (admitted.has_error()) return std::move(admitted).error();
    return Admission::now;
  }
  void on_open(Connection& connection) override { table_.settle_duplicates(*connection.link); }
  void on_closed(Connection& connection, const Error& why) override {
    table_.remove(connection);
    ConnectionRig::on_closed(connection, why);
  }

  PeerTable table_{self_id};
  static constexpr InstanceId smaller_id = InstanceId::from_halves(0, 1);
};

TEST_F(PeerTableTest, KnowsAPeerOnceItsHelloCame) {
  const auto connection = open();

  ASSERT_NE(table_.find(peer_id), nullptr);
  EXPECT_EQ(table_.route(*table_.find(peer_id)), connection.get());
}

TEST_F(PeerTableTest, RefusesANilInstance) {
  const auto connection = accept(InstanceId());

  EXPECT_EQ(frames(), "hello goodbye:the peer gave a nil instance id ");
}

TEST_F(PeerTableTest, RefusesItself) {
  const auto connection = accept(self_id);

  EXPECT_NE(frames().find("reached itself"), std::string::npos);
}

TEST_F(PeerTableTest, RefusesAnotherInstanceThanExpected) {
  const auto connection = dial();
  connection->expected = smaller_id;
  fake_.connected(conn());
  receive(PacketBytes().add(hello_of()).str());
  fake_.finish_closes();
  turn();

  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_TRUE(closed_[0].is(Errc::identity_mismatch));
}

TEST_F(PeerTableTest, RefusesAnEarlierIncarnation) {
  const auto current = accept(peer_id, 5);

  const auto stale = accept(peer_id, 4);

  EXPECT_NE(frames().find("known as incarnation 5, this is the earlier 4"), std::string::npos);
  EXPECT_TRUE(current->is_open());
}

TEST_F(PeerTableTest, AbortsConnectionsOfAnEarlierIncarnation) {
  const auto old = accept(peer_id, 4);
  fakes::FakeConn& old_conn = conn();

  const auto current = accept(peer_id, 5);

  EXPECT_EQ(old_conn.close_flags, static_cast<std::uint32_t>(TT_CLOSE_ABORT));
  EXPECT_EQ(table_.route(*table_.find(peer_id)), current.get());
}

TEST_F(PeerTableTest, KeepsAConnectionThatIsComingUpWhenThePeerComesBackFirst) {
  const auto old = accept(peer_id, 4);
  const auto redial = dial();  // as route() does it once the peer is gone
  fakes::FakeConn& redial_conn = conn();
  redial->link = table_.find(peer_id);
  redial->link->connections.push_back(redial);
  NotedSink sink;
  ASSERT_TRUE(call(*redial, &sink).has_value());

  const auto current = accept(peer_id, 5);

  EXPECT_EQ(redial_conn.closes, 0);
  EXPECT_FALSE(sink.is_done()) << "the call it carries is not lost";
}

TEST_F(PeerTableTest, KeepsTheConnectionThatTheSmallerIdOpened) {
  const auto theirs = accept();
  fakes::FakeConn& their_conn = conn();
  const auto ours = open();  // self is the smaller

  EXPECT_TRUE(ours->is_usable());
  EXPECT_EQ(table_.route(*table_.find(peer_id)), ours.get());
  EXPECT_EQ(their_conn.closes, 0) << "its opener retires it";
}

TEST_F(PeerTableTest, RetiresItsOwnConnectionWhenThePeersIdIsSmaller) {
  const auto ours = open(smaller_id);
  NotedSink sink;
  const auto id = call(*ours, &sink).value();
  fakes::FakeConn& our_conn = conn();

  const auto theirs = accept(smaller_id);
  EXPECT_FALSE(ours->is_usable());
  EXPECT_EQ(table_.route(*table_.find(smaller_id)), theirs.get());
  fake_.packet(our_conn, PacketBytes().add(wire::Reply{.call = id}).str());
  turn();

  EXPECT_TRUE(sink.outcome->has_value()) << "no call is lost";
}

TEST_F(PeerTableTest, ForgetsAPeerThatCameAndLeft) {
  const auto connection = accept();
  fake_.closed(conn(), TT_E_CLOSED);
  turn();

  EXPECT_EQ(table_.find(peer_id), nullptr);
}

TEST_F(PeerTableTest, RemembersAPeerThatCanBeDialled) {
  const auto connection = dial();
  connection->dialled_uri = "fake://b";
  fake_.connected(conn());
  receive(PacketBytes().add(hello_of()).str());
  EXPECT_EQ(table_.find_dialled("fake://b"), table_.find(peer_id));

  fake_.closed(conn(), TT_E_RESET);
  turn();

  ASSERT_NE(table_.find(peer_id), nullptr);
  EXPECT_EQ(table_.route(*table_.find(peer_id)), nullptr);
  EXPECT_EQ(table_.find_dialled("fake://b"), nullptr);
}

TEST_F(PeerTableTest, KeepsAPeerThatCameBackWhenAForgottenConnectionEnds) {
  const auto old = accept();
  fakes::FakeConn& old_conn = conn();
  table_.forget(peer_id);
  const auto current = accept();

  fake_.closed(old_conn, TT_E_CLOSED);
  turn();

  ASSERT_NE(table_.find(peer_id), nullptr);
  EXPECT_EQ(table_.route(*table_.find(peer_id)), current.get());
}

}  // namespace
}  // namespace trestle::peers
