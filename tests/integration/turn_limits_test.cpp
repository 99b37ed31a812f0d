// How much of one connection a node handles in a turn: turn_frames_max and turn_bytes_max.
#include <gtest/gtest.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using testing::TestNetwork;

class TurnLimits : public ::testing::Test {
 protected:
  struct Client {
    Node& node;
    Peer server;
  };

  /// A node whose handler counts, and a client of it.
  void serve(const NodeOptions& options) {
    server_ = &network_.add_node(options);
    server_->add(am("count", [this](BytesView) { ++handled_; })).value();
    uri_ = server_->listen("inproc://*").value();
    client_.emplace(connect());
  }
  Client connect() {
    Node& node = network_.add_node();
    Peer peer = node.connect(uri_).value();
    network_.settle();
    return {node, peer};
  }
  void send(int count, std::size_t payload_bytes) { send(*client_, count, payload_bytes); }
  /// In one packet, as they are sent in one turn.
  static void send(Client& client, int count, std::size_t payload_bytes) {
    client.node.after(0ns, [&] {
      for (int i = 0; i < count; ++i) {
        client.server.send("count", Payload::copy(std::string(payload_bytes, 'x'))).value();
      }
    });
    client.node.poll();
  }
  /// How many messages each of so many turns handles.
  std::vector<int> turns(int count) {
    std::vector<int> of_each;
    for (int i = 0; i < count; ++i) {
      const int before = handled_;
      server_->poll();
      of_each.push_back(handled_ - before);
    }
    return of_each;
  }

  int handled_ = 0;
  TestNetwork network_;
  Node* server_ = nullptr;
  std::string uri_;
  std::optional<Client> client_;
};

TEST_F(TurnLimits, OfFramesLetAsManyBeHandledAtOnce) {
  serve({.turn_frames_max = 4});

  send(4, 1);

  EXPECT_EQ(turns(2), (std::vector{4, 0}));
}

TEST_F(TurnLimits, OfFramesHoldAlsoForMessagesInPacketsOfTheirOwn) {
  serve({.turn_frames_max = 4});

  for (int i = 0; i < 10; ++i) send(1, 1);

  EXPECT_EQ(turns(4), (std::vector{4, 4, 2, 0}));
}

TEST_F(TurnLimits, OfBytesHoldAlsoForMessagesInPacketsOfTheirOwn) {
  serve({.turn_bytes_max = 3000});

  for (int i = 0; i < 7; ++i) send(1, 1000);

  EXPECT_EQ(turns(4), (std::vector{3, 3, 1, 0}));
}

TEST_F(TurnLimits, OfFramesLeaveOneMoreToTheNextTurn) {
  serve({.turn_frames_max = 4});

  send(5, 1);

  EXPECT_EQ(turns(3), (std::vector{4, 1, 0}));
}

TEST_F(TurnLimits, OfOneFrameLetOneBeHandledInATurn) {
  serve({.turn_frames_max = 1});

  send(3, 1);

  EXPECT_EQ(turns(4), (std::vector{1, 1, 1, 0}));
}

TEST_F(TurnLimits, OfBytesLetAsManyBeHandledAtOnce) {
  serve({.turn_bytes_max = 3000});

  send(3, 1000);

  EXPECT_EQ(turns(2), (std::vector{3, 0}));
}

TEST_F(TurnLimits, OfBytesLeaveWhatFollowsToTheNextTurn) {
  serve({.turn_bytes_max = 3000});

  send(4, 1000);

  EXPECT_EQ(turns(3), (std::vector{3, 1, 0}));
}

TEST_F(TurnLimits, OfBytesEndATurnOnlyBetweenMessages) {
  serve({.turn_bytes_max = 3001});

  send(5, 1000);

  EXPECT_EQ(turns(3), (std::vector{4, 1, 0})) << "a byte was left after the third";
}

TEST_F(TurnLimits, OfOneByteLetOneBeHandledInATurn) {
  serve({.turn_bytes_max = 1});

  send(3, 1000);

  EXPECT_EQ(turns(4), (std::vector{1, 1, 1, 0}));
}

TEST_F(TurnLimits, OfFramesAreHalfForEachOfTwoThatHaveMore) {
  serve({.turn_frames_max = 64});
  Client other = connect();

  send(*client_, 200, 1);
  send(other, 200, 1);

  EXPECT_EQ(turns(3), (std::vector{2 * 64, 2 * 32, 2 * 32}))
      << "who has more is known after the first turn";
}

}  // namespace
}  // namespace trestle
