// Who is connected to whom, by how many connections, and what becomes of the others when one ends.
#include <array>
#include <atomic>
#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "scenario.hpp"

namespace trestle::scenarios {
namespace {

Handler doubling() {
  return unary(
      "double", [](int n) { return 2 * n; }, in_turn);
}

class Connections : public Scenario {
 protected:
  static void expect_service(const Peer& peer, int calls = 20) {
    for (int n = 0; n < calls; ++n) {
      const auto twice = peer.call<int>("double", n);
      ASSERT_TRUE(twice.has_value()) << twice.error();
      ASSERT_EQ(*twice, 2 * n);
    }
  }
  static ::testing::AssertionResult comes_to(Node& node, std::size_t connections) {
    if (eventually([&] { return node.counters().connections == connections; })) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << node.counters().connections << " connections";
  }
};

TRESTLE_OVER_EVERY_TRANSPORT(Connections);

TEST_P(Connections, AreMadeOnceAndUsedAgain) {
  Node server(options());
  Node client(options());
  server.add(doubling()).value();
  const Peer peer = connect(client, server);

  expect_service(peer, 100);

  EXPECT_EQ(client.counters().connections, 1u);
  EXPECT_EQ(server.counters().connections, 1u);
}

TEST_P(Connections, StayOneWhereOneConnectsTwice) {
  Node server(options());
  Node client(options());
  server.add(doubling()).value();
  const std::string uri = serve(server);

  const Peer first = client.connect(uri).value();
  const Peer second = client.connect(uri).value();

  EXPECT_EQ(first.instance_id(), second.instance_id());
  expect_service(first);
  expect_service(second);
  EXPECT_EQ(client.counters().connections, 1u);
  EXPECT_EQ(server.counters().connections, 1u);
}

TEST_P(Connections, ComeDownToOneWhereBothSidesConnectAtOnce) {
  Node one(options());
  Node other(options());
  one.add(doubling()).value();
  other.add(doubling()).value();
  const std::string uri_of_one = serve(one);
  const std::string uri_of_other = serve(other);
  std::barrier at_once(2);
  const auto connect_and_call = [&](Node& from, const std::string& uri) {
    at_once.arrive_and_wait();
    const auto peer = from.connect(uri);
    ASSERT_TRUE(peer.has_value()) << peer.error();
    expect_service(*peer, 200);
  };

  {
    const std::jthread there([&] { connect_and_call(one, uri_of_other); });
    const std::jthread back([&] { connect_and_call(other, uri_of_one); });
  }

  EXPECT_TRUE(comes_to(one, 1) && comes_to(other, 1));
  expect_service(one.peer(other.instance_id()));
  expect_service(other.peer(one.instance_id()));
}

TEST_P(Connections, OfFourNodesMakeAMesh) {
  std::array<std::unique_ptr<Node>, 4> nodes;
  std::array<std::string, 4> uris;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes.at(i) = std::make_unique<Node>(options({.workers = 1}));
    nodes.at(i)->add(doubling()).value();
    uris.at(i) = serve(*nodes.at(i));
  }
  const auto call_all_others = [&](Node& node, const std::string& own) {
    for (const std::string& uri : uris) {
      if (uri == own) continue;
      const auto peer = node.connect(uri);
      ASSERT_TRUE(peer.has_value()) << peer.error();
      expect_service(*peer, 100);
    }
  };

  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      threads.emplace_back([&, i] { call_all_others(*nodes.at(i), uris.at(i)); });
    }
  }

  for (const auto& node : nodes) {
    EXPECT_TRUE(comes_to(*node, 3));
    EXPECT_EQ(node->peers().size(), 3u);
    for (const Peer& peer : node->peers()) expect_service(peer);
  }
}

TEST_P(Connections, ThatEndLeaveTheOthersAlone) {
  Node server(options());
  server.add(doubling()).value();
  const std::string uri = serve(server);
  std::array<std::unique_ptr<Node>, 3> clients;
  std::array<Peer, 3> peers;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients.at(i) = std::make_unique<Node>(options({.workers = 1}));
    peers.at(i) = clients.at(i)->connect(uri).value();
  }
  std::atomic<bool> is_over = false;
  std::atomic<int> served = 0;
  const auto go_on = [&](const Peer& peer) {
    while (!is_over) {
      expect_service(peer, 1);
      ++served;
    }
  };
  std::jthread second([&] { go_on(peers[1]); });
  std::jthread third([&] { go_on(peers[2]); });

  peers[0].disconnect();
  EXPECT_TRUE(comes_to(server, 2));
  const int before = served;
  EXPECT_TRUE(eventually([&] { return served > before + 100; }));
  is_over = true;
  second.join();
  third.join();

  EXPECT_FALSE(peers[0].is_connected());
  EXPECT_TRUE(peers[1].is_connected() && peers[2].is_connected());
  EXPECT_EQ(server.counters().connections, 2u);
}

TEST_P(Connections, OfSeveralTransportsMeetInOneNode) {
  Node server(options());
  server.add(doubling()).value();
  server.add(unary("caller", [](Context& context) { return to_string(context.sender); })).value();
  std::vector<std::string> uris{serve(server)};
  for (const TransportUnderTest& other : transports_under_test()) {
    if (other.missing.empty()) uris.push_back(server.listen(fresh_address(other)).value());
  }
  std::vector<std::unique_ptr<Node>> clients;

  for (const std::string& uri : uris) {
    clients.push_back(std::make_unique<Node>(options({.workers = 1})));
    const Peer peer = clients.back()->connect(uri).value();
    EXPECT_EQ(peer.instance_id(), server.instance_id());
    EXPECT_EQ(peer.call<std::string>("caller").value(), to_string(clients.back()->instance_id()));
    expect_service(peer);
  }

  EXPECT_EQ(server.counters().connections, uris.size());
  clients.front().reset();
  EXPECT_TRUE(comes_to(server, uris.size() - 1));
  for (std::size_t i = 1; i < clients.size(); ++i) {
    expect_service(clients[i]->peer(server.instance_id()));
  }
}

}  // namespace
}  // namespace trestle::scenarios
