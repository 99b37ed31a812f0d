// Calls that do not block, to a handler that was called before: they go a shorter way, unless
// something stands in it.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RepeatedCalls : public ::testing::Test {
 protected:
  /// Whose peer serves `echo`, and `keep`, which answers when it is told to; both were called.
  void connect(NodeOptions of_server = {}, NodeOptions of_client = {}) {
    Node& server = network.add_node(std::move(of_server));
    client = &network.add_node(std::move(of_client));
    server.add(unary("echo", [](Encoded in) { return in; }, {Execution::inline_})).value();
    server
        .add(unary("keep",
                   [this](Context& context, std::string what, Reply<int> reply) {
                     had_deadline = context.deadline.has_value();
                     kept.push_back(std::move(what));
                     replies.push_back(std::move(reply));
                   },
                   {Execution::inline_}))
        .value();
    peer = client->connect(server.listen("inproc://*").value()).value();
    call("keep", "warm");
    peer.call<std::string>("echo", std::string("warm")).value();
    answer_all();
    kept.clear();
    outcomes.clear();
  }

  void call(const std::string& handler, const std::string& what) { call(peer, handler, what); }
  void call(const Peer& by, const std::string& handler, const std::string& what) {
    by.async_call<int>(handler, what, [this, what](const Result<int>& outcome) {
      outcomes.push_back(what + (outcome.has_value() ? " done" : " " + to_string(outcome.error())));
    });
  }
  void answer_all() {
    network.settle();
    for (const Reply<int>& reply : std::exchange(replies, {})) reply(1);
    network.settle();
  }

  std::vector<std::string> kept;
  std::vector<Reply<int>> replies;
  bool had_deadline = false;
  std::vector<std::string> outcomes;
  testing::TestNetwork network;  // ends first: calls that are left end then
  Node* client = nullptr;
  Peer peer;
};

TEST_F(RepeatedCalls, EndWithTheirReplies) {
  connect();

  call("keep", "a");
  call("keep", "b");
  answer_all();

  EXPECT_THAT(kept, ElementsAre("a", "b"));
  EXPECT_THAT(outcomes, ElementsAre("a done", "b done"));
  EXPECT_TRUE(had_deadline);
  EXPECT_EQ(client->counters().calls_pending, 0u);
}

TEST_F(RepeatedCalls, EndAtTheirDeadline) {
  connect();

  call(peer.with_timeout(2s), "keep", "late");
  network.advance(1999ms);
  EXPECT_THAT(outcomes, IsEmpty());
  network.advance(1ms);

  EXPECT_THAT(outcomes, ElementsAre(HasSubstr("[deadline_exceeded")));
  answer_all();
  EXPECT_EQ(outcomes.size(), 1u) << "an outcome that comes too late is nobody's";
}

TEST_F(RepeatedCalls, KeepToThePeersWindowAndToTheirOrder) {
  connect({.requests_max = 4});

  for (const char* const what : {"1", "2", "3", "4", "5", "6"}) call("keep", what);
  network.settle();
  EXPECT_THAT(kept, ElementsAre("1", "2", "3", "4"));
  replies.front()(1);
  replies.erase(replies.begin());
  replies.front()(1);
  replies.erase(replies.begin());
  network.poll();
  call("keep", "7");  // shall not overtake those that may leave now
  answer_all();
  answer_all();

  EXPECT_THAT(kept, ElementsAre("1", "2", "3", "4", "5", "6", "7"));
  EXPECT_EQ(outcomes.size(), 7u);
}

TEST_F(RepeatedCalls, AreRefusedBeyondTheLimitOfCalls) {
  connect({}, {.calls_max = 2});

  for (const char* const what : {"a", "b", "c"}) call("keep", what);
  answer_all();

  EXPECT_THAT(outcomes, ElementsAre(HasSubstr("[too_many_calls"), "a done", "b done"));
}

TEST_F(RepeatedCalls, AreRefusedWhereTheQueueIsFull) {
  connect({}, {.queue_bytes_max = 1000, .when_full = WhenFull::fail});

  client->after(0ns, [this] {  // what is sent in a turn leaves at its end
    call("keep", std::string(600, 'a'));
    call("keep", std::string(600, 'b'));
  });
  network.settle();

  EXPECT_THAT(kept, ElementsAre(std::string(600, 'a')));
  EXPECT_THAT(outcomes, ElementsAre(HasSubstr("[queue_full")));
}

TEST_F(RepeatedCalls, AreRefusedWhereTheyAreTooLarge) {
  connect({.message_bytes_max = 4096});

  call("keep", std::string(4090, 'x'));
  network.settle();

  EXPECT_THAT(outcomes, ElementsAre(HasSubstr("[payload_too_large")));
}

TEST_F(RepeatedCalls, KeepHeadersDeadlineAndStopOfTheirOptions) {
  connect();
  std::optional<std::string> trace;
  std::stop_source stop;
  network.settle();

  peer.with_header("trace", "7")
      .async_call<Encoded>("echo", std::string("x"), [&](const Result<Encoded>& reply) {
        trace = reply.value().headers.get("trace");
      });
  call(peer.with_deadline(client->now() + 1s), "keep", "at");
  call(peer.with_stop(stop.get_token()), "keep", "stopped");
  network.settle();
  stop.request_stop();
  network.advance(1s);

  EXPECT_EQ(trace, "7");
  EXPECT_THAT(outcomes, ElementsAre(HasSubstr("[cancelled"), HasSubstr("[deadline_exceeded")));
}

TEST_F(RepeatedCalls, GiveLentBytesBackWhenTheyWereSent) {
  connect();
  const std::string text = "lent";
  int given_back = 0;
  Payload lent = Payload::lend(
      std::as_bytes(std::span(text)), [](void* count) noexcept { ++*static_cast<int*>(count); },
      &given_back);

  // It lives until the end, as the frame of a coroutine that awaits the call would.
  auto operation = peer.async_call<Payload>("echo", std::move(lent));
  std::move(operation)([](const Result<Payload>&) {});

  EXPECT_EQ(given_back, 1);
  network.settle();
  EXPECT_EQ(given_back, 1);
}

TEST_F(RepeatedCalls, EndWhereTheirConnectionIsLost) {
  connect({}, {.reconnect_window = 0s});

  call("keep", "sent");
  network.settle();
  peer.disconnect();
  call("keep", "after");
  network.settle();

  EXPECT_THAT(outcomes, ElementsAre(HasSubstr("sent"), HasSubstr("after")));
}

}  // namespace
}  // namespace trestle
