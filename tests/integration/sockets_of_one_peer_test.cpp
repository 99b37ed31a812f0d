// A peer with listeners in the network and on the host: what it tells others, and which one serves.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <filesystem>

namespace trestle {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SocketsOfOnePeer : public ::testing::Test {
 protected:
  SocketsOfOnePeer() {
    server.add(unary("answer", [] { return 1; })).value();
    tcp = server.listen("tcp://127.0.0.1:0").value();
    local = server.listen("unix://*").value();
  }
  fs::path socket_file() const { return local.substr(std::string("unix://").size()); }
  /// Where `peer` is connected, or why not.
  std::string way_to(const PeerInfo& peer) {
    const auto connected = client.connect(peer);
    if (connected.has_error()) return connected.error().text;
    EXPECT_EQ(connected->call<int>("answer").value(), 1);
    return connected->transport_health().uri;
  }

  Node server;
  Node client;
  std::string tcp;
  std::string local;
};

TEST_F(SocketsOfOnePeer, OnTheSameHostTheSocketFileServes) {
  EXPECT_EQ(way_to(server.info()), local);
}

TEST_F(SocketsOfOnePeer, OnAnotherHostTheFileIsNotTried) {
  PeerInfo elsewhere = server.info();
  elsewhere.host = HostId::from_halves(1, 2);
  elsewhere.address = {local};

  EXPECT_THAT(way_to(elsewhere), HasSubstr("the peer is on another host"));
}

TEST_F(SocketsOfOnePeer, WithoutTheFileTheNetworkServes) {
  fs::remove(socket_file());

  EXPECT_EQ(way_to(server.info()), tcp);
}

TEST_F(SocketsOfOnePeer, AFileThatIsNoSocketIsNoWay) {
  const fs::path plain = socket_file().string() + ".txt";
  {
    const auto made = std::fopen(plain.c_str(), "w");
    std::fclose(made);
  }
  PeerInfo info = server.info();
  info.address = {"unix://" + plain.string(), tcp};

  EXPECT_EQ(way_to(info), tcp);
  fs::remove(plain);
}

TEST_F(SocketsOfOnePeer, AfterALossTheNextCallTakesTheNetwork) {
  const Peer peer = client.connect(server.info()).value();
  fs::remove(socket_file());
  const Peer back = server.peer(client.instance_id());
  ASSERT_EQ(peer.call<int>("answer").value(), 1);

  back.disconnect();

  // The connection may end before or after the call has left.
  Result<int> answer = peer.call<int>("answer");
  for (int attempts = 0; answer.has_error() && attempts < 100; ++attempts) {
    answer = peer.call<int>("answer");
  }
  EXPECT_EQ(answer.value(), 1);
}

TEST_F(SocketsOfOnePeer, FilesAreTheirNodesOwnAndGoWithThem) {
  fs::path other_file;
  {
    Node other;
    const std::string uri = other.listen("unix://*").value();
    EXPECT_NE(uri, local);
    other_file = uri.substr(std::string("unix://").size());
    EXPECT_TRUE(fs::is_socket(other_file));
    EXPECT_TRUE(client.connect(uri).has_value());
    EXPECT_TRUE(client.connect(local).has_value());
  }
  EXPECT_FALSE(fs::exists(other_file));

  ASSERT_TRUE(server.close().has_value());
  EXPECT_FALSE(fs::exists(socket_file()));
}

TEST_F(SocketsOfOnePeer, AllListenersAreTold) {
  const PeerInfo told = client.discover(tcp).value();

  EXPECT_EQ(told, server.info());
  EXPECT_THAT(told.address.endpoints(), ElementsAre(tcp, local));
}

}  // namespace
}  // namespace trestle
