// The test that the README shows: two nodes, no network, no thread, no sleep.
#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

int twice(int value) { return 2 * value; }

TEST(Twice, DoublesAcrossNodes) {
  trestle::testing::TestNetwork network;  // one thread, a virtual clock
  trestle::Node &server = network.add_node(), &client = network.add_node();
  server.add(trestle::unary("twice", &twice)).value();
  const trestle::Peer peer = client.connect(server.listen("inproc://*").value()).value();
  EXPECT_EQ(peer.call<int>("twice", 21).value(), 42);
}
