// Calls that end before their time: cancelled, dropped, over their deadline.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "trestle/test_support/two_nodes.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class EndedCalls : public test_support::TwoNodes {
 protected:
  EndedCalls() : TwoNodes({.requests_max = 4}) {
    server.add(unary("never", [this](Reply<int> reply) { running.push_back(reply); })).value();
    server.add(unary("seven", [] { return 7; })).value();
    server.add(am("note", [this](int number) { noted.push_back(number); })).value();
  }
  void TearDown() override {
    running.clear();
    TwoNodes::TearDown();
  }

  void expect_nothing_pending() {
    EXPECT_EQ(client.counters().calls_pending, 0u);
    EXPECT_EQ(peer.call<int>("seven").value(), 7);
  }
  auto open(std::string_view handler, std::stop_token stop = {}) {
    return peer.message(handler).stop(std::move(stop)).expect_response<int>().send_detached();
  }

  std::vector<Reply<int>> running;
  std::vector<int> noted;
};

TEST_F(EndedCalls, BeforeTheMessageLeftTakesItBack) {
  ASSERT_EQ(peer.call<int>("seven").value(), 7);  // a message that names a handler is not withdrawn
  const auto received = server.counters().messages_received;
  std::optional<Result<int>> outcome;
  // What a turn sends leaves at its end.
  client.after(0s, [&] {
    std::stop_source stop;
    auto call = open("seven", stop.get_token()).value();
    stop.request_stop();
    outcome.emplace(std::move(call).await_response());
  });
  network.settle();

  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->error().is(Errc::cancelled));
  EXPECT_THAT(outcome->error().text, HasSubstr("'seven'"));
  EXPECT_EQ(outcome->error().ran, Ran::no);
  EXPECT_EQ(server.counters().messages_received, received);
  expect_nothing_pending();
}

TEST_F(EndedCalls, WhileTheMessageWaitsForTheWindowKeepsItFromRunning) {
  std::vector<MessageStatus<DetachedResponse<int>>> filling;
  for (int i = 0; i < 4; ++i) filling.push_back(open("never").value());
  network.settle();
  ASSERT_EQ(running.size(), 4u);
  std::stop_source stop;
  auto call = open("never", stop.get_token()).value();
  network.settle();

  stop.request_stop();
  const auto outcome = std::move(call).await_response();

  EXPECT_TRUE(outcome.error().is(Errc::cancelled));
  EXPECT_EQ(outcome.error().ran, Ran::no);
  for (auto& reply : std::exchange(running, {})) reply(1);
  network.settle();
  EXPECT_EQ(running.size(), 0u);
  for (auto& filler : filling) EXPECT_EQ(std::move(filler).await_response().value(), 1);
  expect_nothing_pending();
}

TEST_F(EndedCalls, WhileTheHandlerRunsEndsTheWaitAtOnce) {
  std::stop_source stop;
  auto call = open("never", stop.get_token()).value();
  network.settle();
  ASSERT_EQ(running.size(), 1u);

  stop.request_stop();
  const TimePoint before = client.now();
  const auto outcome = std::move(call).await_response();

  EXPECT_TRUE(outcome.error().is(Errc::cancelled));
  EXPECT_EQ(outcome.error().ran, Ran::maybe);
  EXPECT_EQ(client.now(), before);
  running.front()(1);
  network.settle();
  EXPECT_EQ(client.counters().stray_outcomes, 1u);
  expect_nothing_pending();
}

TEST_F(EndedCalls, AfterTheOutcomeChangesNothing) {
  std::stop_source stop;
  auto call = open("seven", stop.get_token()).value();
  network.settle();

  const auto canceller = call.open().canceller();
  stop.request_stop();

  EXPECT_FALSE(canceller.cancel());
  EXPECT_EQ(std::move(call).await_response().value(), 7);
  EXPECT_FALSE(canceller.cancel());
  EXPECT_FALSE(detail::CallCanceller().cancel());
}

TEST_F(EndedCalls, OfWhatHasNotLeftOnlyLeavesTheRestAlone) {
  auto call = open("never").value();
  network.settle();
  const auto canceller = call.open().canceller();

  EXPECT_FALSE(canceller.cancel(detail::CallCanceller::Scope::not_sent));
  EXPECT_EQ(client.counters().calls_pending, 1u);
  EXPECT_TRUE(canceller.cancel());

  EXPECT_TRUE(std::move(call).await_response().error().is(Errc::cancelled));
}

TEST_F(EndedCalls, ByATokenThatIsStoppedAlreadySendsNothing) {
  std::stop_source stop;
  stop.request_stop();
  const Peer stopped = peer.with({.stop = stop.get_token()});
  std::optional<Result<int>> completed;

  EXPECT_TRUE(stopped.call<int>("seven").error().is(Errc::cancelled));
  EXPECT_TRUE(stopped.send("note", 1).error().is(Errc::cancelled));
  EXPECT_TRUE(stopped.ping().error().is(Errc::cancelled));
  stopped.async_call<int>("seven", 1, [&](Result<int> r) { completed.emplace(std::move(r)); });
  network.settle();

  ASSERT_TRUE(completed.has_value());
  EXPECT_TRUE(completed->error().is(Errc::cancelled));
  EXPECT_EQ(completed->error().ran, Ran::no);
  EXPECT_EQ(server.counters().messages_received, 0u);
}

TEST_F(EndedCalls, ByATokenEndsACallThatBlocks) {
  std::stop_source stop;
  client.after(1s, [&] { stop.request_stop(); });

  const auto outcome = peer.with_stop(stop.get_token()).call<int>("never");

  EXPECT_TRUE(outcome.error().is(Errc::cancelled)) << outcome.error();
  EXPECT_EQ(client.now(), 1s);
  expect_nothing_pending();
}

TEST_F(EndedCalls, ByATokenEndsACallThatDoesNotBlock) {
  std::stop_source stop;
  std::optional<Result<int>> completed;
  peer.with({.stop = stop.get_token()}).async_call<int>("never", 1, [&](Result<int> r) {
    completed.emplace(std::move(r));
  });
  network.settle();
  ASSERT_FALSE(completed.has_value());

  stop.request_stop();
  EXPECT_FALSE(completed.has_value()) << "it runs where the node is driven";
  network.settle();

  EXPECT_TRUE(completed->error().is(Errc::cancelled));
  expect_nothing_pending();
}

TEST_F(EndedCalls, ByATokenEndsTheWaitForRoom) {
  Node& narrow = network.add_node({.queue_bytes_max = 2000});
  const Peer target = narrow.connect(uri).value();
  const auto call = target.message("never").expect_response<int>();
  std::vector<MessageStatus<DetachedResponse<int>>> filling;
  for (int i = 0; i < 4; ++i) filling.push_back(call.send_detached().value());  // the window
  const Payload page = Payload::copy(std::string(1500, 'x'));
  ASSERT_TRUE(target.send("never", page).has_value());  // the queue
  std::stop_source stop;
  narrow.after(1s, [&] { stop.request_stop(); });

  const auto sent = target.with({.stop = stop.get_token()}).send("never", page);

  EXPECT_TRUE(sent.error().is(Errc::cancelled)) << sent.error();
  EXPECT_EQ(sent.error().text, "stopped while it waited for room in the send queue");
  EXPECT_EQ(narrow.now(), 1s);
}

TEST_F(EndedCalls, FromACompletionEndsAnotherCall) {
  auto waiting = open("never").value();
  auto canceller = waiting.open().canceller();
  peer.async_call<int>("seven", 1, [&](const Result<int>&) { EXPECT_TRUE(canceller.cancel()); });
  network.settle();

  EXPECT_TRUE(std::move(waiting).await_response().error().is(Errc::cancelled));
}

TEST_F(EndedCalls, BySlotOfACompletionTokenReachesTheCall) {
  boost::asio::cancellation_signal signal;
  std::optional<Result<int>> completed;
  peer.async_call<int>("never", 1,
                       boost::asio::bind_cancellation_slot(
                           signal.slot(), [&](Result<int> r) { completed.emplace(std::move(r)); }));
  network.settle();

  signal.emit(boost::asio::cancellation_type::total);
  network.settle();
  EXPECT_FALSE(completed.has_value());
  signal.emit(boost::asio::cancellation_type::terminal);
  network.settle();

  ASSERT_TRUE(completed.has_value());
  EXPECT_TRUE(completed->error().is(Errc::cancelled));
}

TEST_F(EndedCalls, ThatNeverBeganReleaseTheirPayloadWithoutALock) {
  struct Owner {
    Node& node;
    int released = 0;
  } owner{client};
  const auto lent = [&] {
    const auto release = [](void* o) noexcept {
      auto& known = *static_cast<Owner*>(o);
      known.released += known.node.counters().calls_pending == 0 ? 1 : 100;
    };
    return Payload::lend(as_bytes(std::string_view("lent")), release, &owner);
  };
  int refused = 0;
  const auto count = [&](const Result<int>& reply) { refused += reply.has_error() ? 1 : 0; };

  client.peer(InstanceId::from_halves(1, 2)).async_call<int>("seven", lent(), count);
  peer.with({.deadline = TimePoint(0s)}).async_call<int>("seven", lent(), count);
  network.settle();

  EXPECT_EQ(refused, 2);
  EXPECT_EQ(owner.released, 2);
}

// ---- Deadlines ----

TEST_F(EndedCalls, DeadlinesThatAreOverSendNothing) {
  network.advance(5s);

  const auto refused = peer.with({.deadline = 4s}).call<int>("seven");

  EXPECT_TRUE(refused.error().is(Errc::deadline_exceeded));
  EXPECT_EQ(refused.error().ran, Ran::no);
  EXPECT_EQ(server.counters().messages_received, 0u);
}

TEST_F(EndedCalls, TheEarlierOfDeadlineAndTimeoutCounts) {
  EXPECT_TRUE(
      peer.with({.timeout = 10s, .deadline = TimePoint(3s)}).call<int>("never").has_error());
  EXPECT_EQ(client.now(), 3s);
  EXPECT_TRUE(
      peer.with({.timeout = 1s, .deadline = TimePoint(60s)}).call<int>("never").has_error());
  EXPECT_EQ(client.now(), 4s);
}

TEST_F(EndedCalls, CallsWithinAMessageEndWithItsDeadline) {
  Node& middle = network.add_node();
  const Peer onwards = middle.connect(uri).value();
  std::optional<Error> inner;
  middle
      .add(unary("relay",
                 [&](Context& context) -> Result<int> {
                   auto reply = onwards.within(context).call<int>("never");
                   if (reply.has_error()) inner = reply.error();
                   return reply;
                 }))
      .value();
  const Peer to_middle = client.connect(middle.listen("inproc://*").value()).value();

  const auto outcome = to_middle.with_timeout(2s).call<int>("relay");

  EXPECT_TRUE(outcome.has_error());
  ASSERT_TRUE(inner.has_value());
  EXPECT_TRUE(inner->is(Errc::deadline_exceeded));
  EXPECT_EQ(middle.now(), 2s);
}

// ---- Drops ----

TEST_F(EndedCalls, DroppedCallsFreeTheirSlotAndAreSentAllTheSame) {
  { auto dropped = open("never").value(); }
  EXPECT_EQ(client.counters().calls_pending, 0u);
  network.settle();

  ASSERT_EQ(running.size(), 1u);
  running.front()(1);
  network.settle();
  EXPECT_EQ(client.counters().stray_outcomes, 1u);
  expect_nothing_pending();
}

TEST_F(EndedCalls, CallsDroppedWhileTheyWaitForTheWindowAreSentLater) {
  std::vector<MessageStatus<DetachedResponse<int>>> filling;
  for (int i = 0; i < 4; ++i) filling.push_back(open("never").value());
  network.settle();
  { auto dropped = open("never").value(); }
  EXPECT_EQ(client.counters().calls_pending, 4u);
  network.settle();
  ASSERT_EQ(running.size(), 4u);

  for (auto& reply : std::exchange(running, {})) reply(1);
  network.settle();

  EXPECT_EQ(running.size(), 1u);
}

TEST_F(EndedCalls, CallsDroppedBeforeTheHandshakeAreSentAfterIt) {
  network.settle();
  server.peer(client.instance_id()).disconnect();
  network.settle();
  ASSERT_FALSE(peer.is_connected());

  { auto dropped = open("never").value(); }  // dials again
  EXPECT_FALSE(peer.is_connected());
  EXPECT_EQ(client.counters().calls_pending, 0u);
  network.settle();

  EXPECT_EQ(running.size(), 1u);
}

TEST_F(EndedCalls, TenThousandCallsOfAllFatesLeaveNothingBehind) {
  std::size_t completed = 0;
  for (int round = 0; round < 2'500; ++round) {
    auto replied = open("seven").value();
    auto cancelled = open("never").value();
    auto refused = open("nowhere").value();
    { auto dropped = open("seven").value(); }
    if (round % 2 == 0) network.settle();
    EXPECT_TRUE(cancelled.open().canceller().cancel());
    EXPECT_TRUE(std::move(cancelled).await_response().error().is(Errc::cancelled));
    EXPECT_EQ(std::move(replied).await_response().value(), 7);
    refused.open().on_outcome([&](Result<Encoded> outcome) {
      EXPECT_TRUE(outcome.error().is(Errc::handler_not_found));
      ++completed;
    });
    running.clear();
    network.settle();
  }

  EXPECT_EQ(completed, 2'500u);
  expect_nothing_pending();
}

}  // namespace
}  // namespace trestle
