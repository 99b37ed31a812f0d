// When packets of a connection have checksums, and what a wrong one does.
#include "peers/connection_rig.hpp"

namespace trestle::peers {
namespace {

constexpr std::uint64_t knows = wire::feature::checksums;
constexpr std::uint64_t wants = knows | wire::feature::wants_checksums;

class Checksums : public ConnectionRig {
 protected:
  std::shared_ptr<Connection> open_with(Checksum own, std::uint64_t peer_features) {
    auto connection = make_with(own);
    engine::LinkEvents& events = *connection;
    connection->attach(*transport_, transport_->connect("fake://b", events).value());
    fake_.connected(fake_.conns.back());
    wire::Hello hello = hello_of();
    hello.features = peer_features;
    fake_.packet(fake_.conns.back(), PacketBytes().add(hello).str());
    turn();
    EXPECT_TRUE(connection->is_open());
    return connection;
  }

  std::shared_ptr<Connection> make_with(Checksum own) {
    ConnectionLimits limits = limits_;
    limits.checksum = own;
    ConnectionEvents& events = *this;
    return connections_.emplace_back(
        std::make_shared<Connection>(engine_, events, limits, Opener::us, ++made_));
  }

  /// Whether a request leaves with a good checksum.
  bool are_used(Connection& connection) {
    EXPECT_TRUE(call(connection, nullptr).has_value());
    const std::string& packet = conn().sent.back().bytes;
    if (!wire::has_checksum(as_bytes(packet))) return false;
    EXPECT_TRUE(wire::check_sum(as_bytes(packet), wire::ChecksumRule::required).has_value());
    return true;
  }

  static std::string summed_request() {
    wire::Buffer packet;
    wire::begin_packet(packet, wire::PacketStyle::summed);
    wire::append(packet,
                 wire::Request{.handler = 1, .handler_name = "h", .payload = as_bytes("x")});
    wire::put_checksum(packet.data(), wire::PacketSum(packet.view()).value());
    return std::string(as_text(packet.view()));
  }
};

TEST_F(Checksums, AreUsedWhereEitherSideAsksAndBothKnow) {
  EXPECT_TRUE(are_used(*open_with(Checksum::on, wants)));
  EXPECT_TRUE(are_used(*open_with(Checksum::on, knows)));
  EXPECT_TRUE(are_used(*open_with(Checksum::off, wants)));
  EXPECT_FALSE(are_used(*open_with(Checksum::off, knows)));
  EXPECT_FALSE(are_used(*open_with(Checksum::on, 0)));
}

TEST_F(Checksums, AreAskedForWhereTheTransportDoesNotCareForDamage) {
  ASSERT_FALSE(transport_->has(TT_CAP_INTEGRITY));

  EXPECT_TRUE(are_used(*open_with(Checksum::automatic, knows)));
}

TEST_F(Checksums, AreNotInThePacketOfTheHello) {
  const auto connection = open_with(Checksum::on, wants);

  EXPECT_TRUE(are_used(*connection));
  EXPECT_FALSE(wire::has_checksum(as_bytes(conn().sent.front().bytes)));
  EXPECT_EQ(frames(), "hello request:h#1 ");
}

TEST_F(Checksums, LetGoodPacketsPass) {
  open_with(Checksum::on, wants);

  receive(summed_request());

  EXPECT_EQ(requests_, "h(x) ");
  EXPECT_EQ(damage_, "");
}

TEST_F(Checksums, ThatAreWrongEndTheConnectionAsALoss) {
  const auto connection = open_with(Checksum::on, wants);
  NotedSink sink;
  ASSERT_TRUE(call(*connection, &sink).has_value());
  std::string packet = summed_request();
  packet.back() = 'y';

  receive(packet);

  EXPECT_EQ(requests_, "");
  EXPECT_NE(damage_.find("its checksum is 0x"), std::string::npos) << damage_;
  EXPECT_EQ(violations_, "");
  EXPECT_EQ(conn().close_flags, static_cast<std::uint32_t>(TT_CLOSE_ABORT));
  EXPECT_TRUE(sink.error().is(Errc::connection_lost));
  EXPECT_EQ(sink.error().ran, Ran::maybe);
  EXPECT_TRUE(connection->is_lost()) << "so that it is dialled again";
}

TEST_F(Checksums, ThatAreMissingAreDamage) {
  open_with(Checksum::on, wants);

  receive(PacketBytes().add(wire::Request{.handler = 1, .handler_name = "h"}).str());

  EXPECT_EQ(requests_, "");
  EXPECT_NE(damage_.find("no checksum"), std::string::npos) << damage_;
}

TEST_F(Checksums, MayComeUnasked) {
  open_with(Checksum::off, knows);

  receive(summed_request());

  EXPECT_EQ(requests_, "h(x) ");
}

TEST_F(Checksums, AreOfWhatIsSentAlsoIfAMessageWasWithdrawn) {
  const auto connection = open_with(Checksum::on, wants);
  NotedSink first;
  NotedSink second;
  ASSERT_TRUE(call(*connection, &first).has_value());
  fake_.sends_left = 0;
  const auto withdrawn = call(*connection, &second);
  connection->abandon(*withdrawn);
  fake_.sends_left = -1;
  fake_.writable(conn());
  turn();

  const std::string& packet = conn().sent.back().bytes;
  EXPECT_TRUE(wire::check_sum(as_bytes(packet), wire::ChecksumRule::required).has_value());
  EXPECT_EQ(frames(), "hello request:h#1 void ");
}

}  // namespace
}  // namespace trestle::peers
