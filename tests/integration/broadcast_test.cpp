// One message for every peer, and what became of it at each.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <string>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using testing::TestNetwork;

class Broadcast : public ::testing::Test {
 protected:
  Node& add_server(const std::string& uri) {
    Node& server = network.add_node();
    server.add(ack("note", [this](const std::string& text) { notes.push_back(text); })).value();
    server.listen(uri).value();
    client.connect(uri).value();
    return server;
  }

  TestNetwork network;
  Node& client = network.add_node();
  Node& narrow = network.add_node({.queue_bytes_max = 2000});
  std::vector<std::string> notes;
};

TEST_F(Broadcast, ReachesEveryPeer) {
  add_server("inproc://a");
  add_server("inproc://b");
  add_server("inproc://c");

  const auto outcomes = client.broadcast("note", std::string("hello"));

  ASSERT_EQ(outcomes.size(), 3u);
  for (const PeerOutcome& one : outcomes) EXPECT_TRUE(one.outcome.has_value());
  EXPECT_EQ(notes, std::vector<std::string>(3, "hello"));
}

TEST_F(Broadcast, TellsWhichPeerIsDown) {
  add_server("inproc://a");
  Node& down = add_server("inproc://b");
  add_server("inproc://c");
  down.close().value();
  network.settle();

  const auto outcomes = client.broadcast("note", std::string("hello"));

  ASSERT_EQ(outcomes.size(), 3u);
  for (const PeerOutcome& one : outcomes) {
    EXPECT_EQ(one.outcome.has_value(), one.peer.instance_id() != down.instance_id());
  }
  EXPECT_EQ(notes.size(), 2u);
}

TEST_F(Broadcast, KeepsTheTextOfARefusal) {
  Node& server = add_server("inproc://a");
  server.remove("note").value();

  const auto outcomes = client.broadcast("note", std::string("hello"));

  EXPECT_EQ(outcomes.at(0).outcome.error().text, "No handler for 'note'");
}

TEST_F(Broadcast, HasOneDeadlineWhateverKeepsThePeers) {
  std::vector<Reply<int>> running;
  for (const char* uri : {"inproc://a", "inproc://b"}) {
    Node& server = network.add_node({.requests_max = 1});
    server.add(unary("slow", [&](Reply<int> reply) { running.push_back(reply); })).value();
    server.listen(uri).value();
    const Peer peer = narrow.connect(uri).value();
    // One in the window, and a queue without room for another.
    peer.send("slow", std::string(1500, 'x')).value();
    peer.send("slow", std::string(1500, 'x')).value();
  }
  network.settle();

  const auto outcomes = narrow.broadcast("slow", std::string(1500, 'x'), {.timeout = 3s});

  EXPECT_LE(narrow.now(), 3s);
  ASSERT_EQ(outcomes.size(), 2u);
  for (const PeerOutcome& one : outcomes) EXPECT_TRUE(one.outcome.error().is(Errc::queue_full));
  running.clear();
}

TEST_F(Broadcast, ToNobodyHasNoOutcomes) {
  EXPECT_TRUE(client.broadcast("note", std::string("hello")).empty());
}

}  // namespace
}  // namespace trestle
