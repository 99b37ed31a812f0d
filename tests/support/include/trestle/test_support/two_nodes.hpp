// What most tests of nodes begin with: two of them that know each other.
#pragma once

#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <string>
#include <utility>

namespace trestle::test_support {

/// A server, and a client connected to it, on a virtual clock. Nothing runs on them any more when
/// the members of a derived fixture end, which handlers may use.
class TwoNodes : public ::testing::Test {
 protected:
  /// With the options of each.
  explicit TwoNodes(NodeOptions of_server = {}, NodeOptions of_client = {})
      : server(network.add_node(std::move(of_server))),
        client(network.add_node(std::move(of_client))) {}

  /// Whoever holds replies lets go of them first.
  void TearDown() override {
    static_cast<void>(client.close());
    static_cast<void>(server.close());
  }

  testing::TestNetwork network;
  Node& server;
  Node& client;
  const std::string uri = server.listen("inproc://*").value();
  Peer peer = client.connect(uri).value();
};

}  // namespace trestle::test_support
