// What happens to calls when a peer is lost, and when it comes back.
#include <gmock/gmock.h>
#include <trestle/async.hpp>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include "trestle/test_support/raw_peer.hpp"
#include "trestle/test_support/raw_server.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using test_support::RawPeer;
using test_support::RawServer;
using ::testing::HasSubstr;
using testing::TestNetwork;

class Reconnect : public ::testing::Test {
 protected:
  void connect() {
    client.async_connect(server->uri(), {},
                         [this](Result<Peer> result) { connected = std::move(result); });
    settle();
    ASSERT_TRUE(connected.has_value()) << connected.error();
    peer = connected.value();
  }
  void settle() {
    while (network.poll() != 0 || (server != nullptr && (server->settle(), network.poll() != 0))) {
    }
  }
  /// Lets time pass in small steps, with the server taking part.
  void wait(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 5ms) {
      network.advance(5ms);
      settle();
    }
  }
  struct Outcome {
    std::optional<Result<Payload>> result{};
    bool is(Errc code, Ran ran) const {
      return result && result->has_error() && result->error().is(code) &&
             result->error().ran == ran;
    }
  };
  std::shared_ptr<Outcome> call(const std::string& text) {
    auto outcome = std::make_shared<Outcome>();
    peer.async_call<Payload>("h", Payload::copy(text), [outcome](Result<Payload> result) {
      outcome->result.emplace(std::move(result));
    });
    settle();
    return outcome;
  }

  TestNetwork network;
  Node& client = network.add_node();
  std::unique_ptr<RawServer> server =
      std::make_unique<RawServer>(network.driver(), "inproc://reconnect");
  Result<Peer> connected = Error(Errc::unknown_peer, "not yet");
  Peer peer;
};

TEST_F(Reconnect, CallsThatHadLeftAreLostAndNeverSentAgain) {
  connect();
  const auto lost = call("sent");
  server->cut();
  settle();
  EXPECT_TRUE(lost->is(Errc::connection_lost, Ran::maybe));

  wait(2s);

  EXPECT_TRUE(peer.is_connected());
  EXPECT_EQ(server->requests(), "1:sent");
}

TEST_F(Reconnect, NewCallsWaitForThePeerAndLeaveInOrder) {
  connect();
  server->cut();
  settle();
  const auto first = call("first");
  const auto id = peer.send("h", Payload::copy(std::string("noted")));
  const auto second = call("second");
  EXPECT_FALSE(first->result) << first->result->error();

  wait(500ms);

  EXPECT_TRUE(id.has_value());
  EXPECT_EQ(server->requests(), "2:first 2:noted 2:second");
  EXPECT_FALSE(second->result);
}

TEST_F(Reconnect, CallsThatWaitEndAsNotSentWhenTheWindowIsOver) {
  connect();
  server->stay_silent();
  server->cut();
  settle();
  const auto waiting = call("waiting");
  wait(990ms);
  EXPECT_FALSE(waiting->result);
  wait(20ms);

  EXPECT_TRUE(waiting->is(Errc::connection_lost, Ran::no));
  EXPECT_THAT(waiting->result->error().text, HasSubstr("reconnect_window 1000 ms"));
  EXPECT_EQ(server->requests(), "");
}

TEST_F(Reconnect, TheirDeadlinesAndCancellationsHoldWhileTheyWait) {
  connect();
  server->stay_silent();
  server->cut();
  settle();
  std::stop_source stop;
  peer = peer.with({.stop = stop.get_token()});
  const auto cancelled = call("cancelled");
  peer = peer.with({.timeout = 100ms});
  const auto late = call("late");

  stop.request_stop();
  wait(110ms);

  EXPECT_TRUE(cancelled->is(Errc::cancelled, Ran::no));
  EXPECT_TRUE(late->is(Errc::deadline_exceeded, Ran::no));
  EXPECT_EQ(server->requests(), "");
}

TEST_F(Reconnect, APeerThatWasStartedAgainIsServedAsItself) {
  connect();
  server->become(peer.instance_id(), 2);
  server->cut();
  const auto again = call("again");
  wait(500ms);

  EXPECT_EQ(server->requests(), "2:again");
  EXPECT_FALSE(again->result);
}

TEST_F(Reconnect, APeerThatSaysGoodbyeIsNotDialledAgain) {
  connect();
  server->send(wire::Goodbye{Errc::draining, "bye"});
  server->cut();
  wait(10s);

  EXPECT_EQ(server->accepted(), 1u);
}

TEST_F(Reconnect, APeerThatHangsUpInGoodOrderIsNotDialledButByTheNextCall) {
  connect();
  server->hang_up();
  wait(10s);
  EXPECT_EQ(server->accepted(), 1u);

  call("next");

  EXPECT_EQ(server->accepted(), 2u);
  EXPECT_EQ(server->requests(), "2:next");
}

TEST_F(Reconnect, APeerThatWasDisconnectedIsNotDialledAgain) {
  connect();
  server->cut();
  peer.disconnect();
  wait(10s);

  EXPECT_EQ(server->accepted(), 1u);
}

TEST_F(Reconnect, DelaysGrowAndAreRandom) {
  connect();
  server->stay_silent();
  std::vector<std::size_t> per_minute;
  server->cut();
  // Whoever stays silent is hung up on, by the window first and then by the handshake's timeout.
  for (int minute = 0; minute < 3; ++minute) {
    const std::size_t before = server->accepted();
    for (int i = 0; i < 600; ++i) {
      network.advance(100ms);
      settle();
    }
    per_minute.push_back(server->accepted() - before);
  }

  // At least 2 s of silence each, and 2.5 s of delay on the average.
  EXPECT_GE(per_minute[2], 7u);
  EXPECT_LE(per_minute[2], 25u);
}

TEST_F(Reconnect, ItComesBackInTheBackgroundLongAfterTheWindow) {
  connect();
  server->stay_silent();
  server->cut();
  wait(8s);
  server.reset();
  server = std::make_unique<RawServer>(network.driver(), "inproc://reconnect");
  wait(8s);

  EXPECT_TRUE(peer.is_connected());
}

TEST_F(Reconnect, TheFirstConnectThatIsRefusedFailsAtOnce) {
  const TimePoint before = client.now();

  EXPECT_TRUE(client.connect("inproc://nobody").error().is(Errc::connect_refused));
  EXPECT_EQ(client.now(), before);
  wait(2s);
  EXPECT_EQ(client.counters().connections, 0u);
}

TEST_F(Reconnect, ConnectingMeanwhileDialsAtOnce) {
  connect();
  server->cut();
  settle();
  ASSERT_EQ(server->accepted(), 1u);
  const auto waiting = call("waiting");

  connect();

  EXPECT_EQ(server->accepted(), 2u);
  EXPECT_EQ(server->requests(), "2:waiting");
  EXPECT_EQ(client.counters().connections, 1u);
}

TEST_F(Reconnect, WithoutAWindowOnlyTheNextCallDials) {
  Node& other = network.add_node({.reconnect_window = 0s});
  other.async_connect(server->uri(), {}, [this](Result<Peer> result) { peer = result.value(); });
  settle();
  server->cut();
  wait(10s);
  ASSERT_EQ(server->accepted(), 1u);

  call("next");

  EXPECT_EQ(server->requests(), "2:next");
}

// ---- Peers that always came to us ----

class Awaited : public ::testing::Test {
 protected:
  static constexpr InstanceId id = InstanceId::from_halves(7, 7);

  void come(std::uint64_t incarnation = 1) {
    raw = std::make_unique<RawPeer>(network.driver(), uri);
    raw->greet(id, incarnation);
  }
  void call(const std::string& text) {
    node.peer(id).async_call<Payload>("h", Payload::copy(text), [this](Result<Payload> result) {
      outcomes.push_back(std::move(result));
    });
    network.settle();
  }
  std::string requests() {
    std::string text;
    raw->settle();
    for (const wire::Request& request : raw->take<wire::Request>()) {
      text += std::string(as_text(request.payload)) + " ";
    }
    return text;
  }

  std::vector<Result<Payload>> outcomes;  // calls that are pending end with the network
  TestNetwork network;
  Node& node = network.add_node();
  const std::string uri = node.listen("inproc://*").value();
  std::unique_ptr<RawPeer> raw;
};

TEST_F(Awaited, CallsWaitUntilItConnectsAgain) {
  come();
  raw.reset();
  network.settle();
  call("first");
  call("second");
  EXPECT_TRUE(outcomes.empty());
  network.advance(900ms);

  come();

  EXPECT_EQ(requests(), "first second ");
  EXPECT_TRUE(outcomes.empty());
  EXPECT_EQ(node.counters().connections, 1u);
}

TEST_F(Awaited, CallsEndAsNotSentWhenTheWindowIsOver) {
  come();
  raw.reset();
  network.settle();
  call("waits");
  network.advance(990ms);
  ASSERT_TRUE(outcomes.empty());

  network.advance(20ms);

  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_TRUE(outcomes[0].error().is(Errc::connection_lost)) << outcomes[0].error();
  EXPECT_EQ(outcomes[0].error().ran, Ran::no);
  EXPECT_THAT(outcomes[0].error().text, HasSubstr("within reconnect_window 1000 ms"));
  call("late");
  EXPECT_THAT(outcomes.at(1).error().text, HasSubstr("no endpoint"));
}

TEST_F(Awaited, CallsThatHadLeftDoNotWait) {
  come();
  call("left");
  raw.reset();
  network.settle();

  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].error().ran, Ran::maybe);
  come();
  EXPECT_EQ(requests(), "");
}

TEST_F(Awaited, ALaterStartOfItGetsTheCalls) {
  come();
  raw.reset();
  network.settle();
  call("waits");

  come(2);

  EXPECT_EQ(requests(), "waits ");
}

TEST_F(Awaited, OneThatSaidGoodbyeIsNotWaitedFor) {
  come();
  raw->send(wire::Goodbye{Errc::shut_down, "bye"});
  raw.reset();
  network.settle();

  call("late");

  EXPECT_EQ(outcomes.size(), 1u);
}

TEST_F(Awaited, OneThatWasDisconnectedIsNotWaitedFor) {
  come();
  raw.reset();
  network.settle();
  call("waits");

  node.peer(id).disconnect();
  network.settle();

  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].error().ran, Ran::no);
}

TEST_F(Reconnect, MessagesThatNobodyWaitsForKeepTheirIds) {
  Node& receiver = network.add_node();
  std::vector<MessageId> seen;
  receiver.add(am("h", [&](Context& context) { seen.push_back(context.message_id); })).value();
  connect();
  server->cut();
  settle();
  const MessageId id = peer.send("h").value();
  server.reset();
  receiver.listen("inproc://reconnect").value();
  wait(900ms);

  EXPECT_EQ(seen, std::vector<MessageId>{id});
}

// ---- What the application learns ----

TEST_F(Reconnect, EventsTellOfLossAndReturn) {
  PeerEvents events = client.peer_events();
  connect();
  server->become(peer.instance_id(), 2);
  server->cut();
  wait(500ms);

  const auto came = events.poll().value();
  const auto gone = events.poll().value();
  const auto back = events.poll().value();
  EXPECT_EQ(to_string(came.change), "came");
  EXPECT_EQ(came.peer, peer.instance_id());
  EXPECT_EQ(came.incarnation, 1u);
  EXPECT_EQ(came.uri, "inproc://reconnect");
  EXPECT_EQ(to_string(gone.change), "gone");
  EXPECT_TRUE(gone.reason.is(Errc::connection_lost)) << gone.reason;
  EXPECT_EQ(gone.incarnation, 1u);
  EXPECT_EQ(to_string(back.change), "came");
  EXPECT_EQ(back.incarnation, 2u);
  EXPECT_FALSE(events.poll().has_value());
}

TEST_F(Reconnect, EventsEndWithTheNode) {
  Node node({.driver = &network.driver()});
  PeerEvents events = node.peer_events();
  node.close().value();

  EXPECT_FALSE(events.wait_for(1h).has_value());
}

TEST_F(Reconnect, AnAttemptThatFailsWhileTheNodeClosesIsTheLast) {
  connect();
  std::vector<Reply<int>> held;
  client.add(unary("hold", [&](Reply<int> reply) { held.push_back(reply); })).value();
  client.peer(client.instance_id()).async_call<int>("hold", 0, [](const Result<int>&) {});
  server->stay_silent();
  server->cut();
  settle();
  const auto waiting = call("waiting");
  client.after(200ms, [this] { server->settle(); });
  client.after(300ms, [this] { server->cut(); });

  const auto closed = client.close();

  EXPECT_TRUE(closed.error().is(Errc::deadline_exceeded)) << "the window was over before";
  EXPECT_EQ(server->accepted(), 2u);
  EXPECT_TRUE(waiting->is(Errc::connection_lost, Ran::no));
}

TEST_F(Reconnect, MessagesThatWaitInVainAreCounted) {
  connect();
  server->stay_silent();
  server->cut();
  settle();
  for (int i = 0; i < 3; ++i) peer.send("h").value();
  wait(1100ms);

  const auto lost = client.counters().messages_lost;
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].reason, Errc::connection_lost);
  EXPECT_EQ(lost[0].unsent, 3u);
  EXPECT_EQ(lost[0].in_doubt, 0u);
}

TEST_F(Reconnect, MessagesToADeadAddressAreCounted) {
  connect();
  server->hang_up();
  server.reset();
  settle();
  peer.send("h").value();
  wait(100ms);

  const auto lost = client.counters().messages_lost;
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].reason, Errc::connect_refused);
  EXPECT_EQ(lost[0].unsent, 1u);
}

}  // namespace
}  // namespace trestle
