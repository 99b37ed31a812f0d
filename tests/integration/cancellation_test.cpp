// A caller that cancels, goes, or whose node closes: what waits is dropped, what runs is told.
#include <algorithm>
#include <map>
#include <random>

#include "raw_calls.hpp"

namespace trestle {
namespace {

const std::string dropped =
    "cancelled, not run: the caller cancelled it before its handler started";

/// What handlers keep. A base, so that it outlives the network: dropping a reply may start others.
struct Kept {
  std::vector<std::stop_token> tokens;
  std::vector<Reply<int>> held;
};

class Cancellation : protected Kept, public RawCalls {
 protected:
  using RawCalls::RawCalls;

  /// Adds "hold", which keeps its reply and its token; by default one message runs at a time.
  void add_hold(HandlerOptions options = {.concurrency_max = 1}) {
    const auto hold = [this](int, Context& context, Reply<int> reply) {
      tokens.push_back(context.stop_token());
      held.push_back(std::move(reply));
    };
    server.add(unary("hold", hold, options)).value();
  }
  void cancel(std::uint32_t slot) { raw->send(wire::Cancel{call(slot)}); }
};

TEST_F(Cancellation, DropsAMessageThatWaitsForAWorker) {
  add_hold({});

  raw->send(request(1, 1, "hold"), wire::Cancel{call(1)});

  EXPECT_EQ(nack(), dropped);
  EXPECT_TRUE(held.empty());
  EXPECT_EQ(server.counters().messages_refused, 1u);
}

TEST_F(Cancellation, DropsAMessageThatWaitsForAPermit) {
  add_hold();
  send_together(std::tuple{request(1, 1, "hold"), request(2, 1, "hold"), request(3, 1, "hold")});
  ASSERT_EQ(held.size(), 1u);

  cancel(2);

  EXPECT_EQ(nack(), dropped);
  held[0](7);
  raw->settle();
  EXPECT_EQ(reply(), "7");
  ASSERT_EQ(held.size(), 2u) << "the third inherits the permit";
  held[1](8);
  raw->settle();
  EXPECT_EQ(reply(), "8");
  raw->send(request(4, 1, "hold"));
  EXPECT_EQ(held.size(), 3u) << "the permit is there again, once";
  raw->send(request(5, 1, "hold"));
  EXPECT_EQ(held.size(), 3u);
}

TEST_F(Cancellation, OfAMessageWithAPermitGivesThePermitBack) {
  add_hold();

  raw->send(request(1, 1, "hold"), wire::Cancel{call(1)});
  raw->send(request(2, 1, "hold"));

  EXPECT_EQ(nack(), dropped);
  EXPECT_EQ(held.size(), 1u);
}

TEST_F(Cancellation, OfAMessageWithAPermitStartsTheNext) {
  add_hold();

  send_together(std::tuple{request(1, 1, "hold"), request(2, 1, "hold"), wire::Cancel{call(1)}});

  EXPECT_EQ(nack(), dropped);
  ASSERT_EQ(held.size(), 1u);
  held[0](2);
  raw->settle();
  EXPECT_EQ(raw->take<wire::Reply>().at(0).call, call(2));
}

struct NarrowCancellation : Cancellation {
  NarrowCancellation()
      : Cancellation({.spawn_queue_messages = 1, .spawn_queue_bytes = 100, .requests_max = 2}) {}
};

TEST_F(NarrowCancellation, GivesTheRoomBackAtOnce) {
  add_hold();
  const std::string payload = std::string(80, ' ') + "1";
  raw->send(request(1, 1, "hold"));
  for (std::uint32_t slot = 2; slot < 10; ++slot) {
    raw->send(request(slot, 1, "hold", DeliveryMode::with_response, payload));
    EXPECT_EQ(raw->take<wire::Nack>().size(), 0u) << "room for " << slot;

    cancel(slot);

    EXPECT_EQ(nack(), dropped);
  }
  EXPECT_EQ(held.size(), 1u);
}

TEST_F(Cancellation, AsksARunningHandlerToStopAndSendsItsOutcome) {
  add_hold();
  raw->send(request(1, 1, "hold"));
  ASSERT_EQ(held.size(), 1u);
  ASSERT_TRUE(tokens[0].stop_possible());
  int stopped = 0;
  const std::stop_callback on_stop(tokens[0], [&] { ++stopped; });

  cancel(1);

  EXPECT_EQ(stopped, 1);
  EXPECT_TRUE(held[0].stop_token().stop_requested());
  EXPECT_EQ(raw->take<wire::Nack>().size(), 0u) << "the handler decides on its outcome";
  held[0](7);
  raw->settle();
  EXPECT_EQ(reply(), "7");
  cancel(1);
  EXPECT_EQ(raw->take<wire::Nack>().size(), 0u);
}

TEST_F(Cancellation, LetsAHandlerAnswerWhenItIsAskedToStop) {
  add_hold();
  raw->send(request(1, 1, "hold"));
  const std::stop_callback on_stop(tokens.at(0), [&] { held[0].fail("stopped"); });

  cancel(1);

  EXPECT_EQ(nack(), "handler_failed, ran: stopped");
  EXPECT_FALSE(held[0].stop_token().stop_possible()) << "it was answered";
}

TEST_F(Cancellation, ReachesATokenThatIsAskedForLater) {
  server.add(unary("hold", [this](Reply<int> reply) { held.push_back(std::move(reply)); })).value();
  raw->send(request(1, 1, "hold"));

  cancel(1);

  EXPECT_TRUE(held.at(0).stop_token().stop_requested());
}

TEST_F(Cancellation, StopsAnInlineHandlerThatAnswersLater) {
  add_hold({.execution = Execution::inline_});
  raw->send(request(1, 1, "hold"));
  const auto later = held.at(0).stop_token();
  EXPECT_FALSE(later.stop_requested());

  cancel(1);

  EXPECT_TRUE(later.stop_requested());
  EXPECT_TRUE(tokens.at(0).stop_possible()) << "the context of a handler that took its Reply";
  EXPECT_TRUE(tokens[0].stop_requested());
}

TEST_F(Cancellation, OfACallThatEndedInItsTurnReachesNobodyElse) {
  int calls = 0;
  const auto at_once = [&](int, Reply<int> reply) {
    if (++calls == 1) return reply(5);
    held.push_back(std::move(reply));
  };
  server.add(unary("hold", at_once, {Execution::inline_})).value();
  raw->send(request(1, 1, "hold"));
  EXPECT_EQ(reply(), "5");

  cancel(1);
  raw->send(request(1, 1, "hold"));
  const auto second = held.at(0).stop_token();
  EXPECT_FALSE(second.stop_requested());
  cancel(1);

  EXPECT_TRUE(second.stop_requested());
}

TEST_F(Cancellation, ReachesTheLaterOfTwoCallsWithOneId) {
  add_hold();
  raw->send(request(1, 1, "hold"));
  held.at(0)(5);
  raw->settle();

  raw->send(request(1, 1, "hold"));
  cancel(1);

  EXPECT_FALSE(tokens.at(0).stop_requested());
  EXPECT_TRUE(tokens.at(1).stop_requested());
}

TEST_F(Cancellation, OfACallThatEndedBeforeItsHandlerReachesNobodyElse) {
  int calls = 0;
  const auto answer_first = [&](int, Reply<int> reply) {
    if (++calls == 2) return held.push_back(std::move(reply));
    reply(5);
    EXPECT_TRUE(server.peer(server.instance_id()).ping().has_value());  // turns go on meanwhile
  };
  server.add(unary("hold", answer_first, {Execution::inline_})).value();
  raw->send(request(1, 1, "hold"));
  EXPECT_EQ(reply(), "5");

  raw->send(request(1, 1, "hold"));
  cancel(1);

  EXPECT_TRUE(held.at(0).stop_token().stop_requested());
}

TEST_F(Cancellation, OfWhatIsOverOrNeverWasMeansNothing) {
  server.add(unary("echo", [](int number) { return number; })).value();
  raw->send(wire::Cancel{call(9)}, wire::Cancel{}, request(1, 1, "echo"));
  EXPECT_EQ(reply(), "1");

  raw->send(wire::Cancel{call(1)});

  EXPECT_EQ(raw->take<wire::Nack>().size(), 0u);
  EXPECT_EQ(server.counters().messages_refused, 0u);
  EXPECT_FALSE(raw->is_closed());
}

TEST_F(Cancellation, DoesNotReachWhatExpectsNoOutcomeOrIsInline) {
  std::vector<std::stop_token> seen;
  const auto note = [&](Context& context) { seen.push_back(context.stop_token()); };
  server.add(am("spawned", note)).value();
  server.add(unary("inline", note, {Execution::inline_})).value();

  wire::Request forgotten = request(1, 1, "spawned", DeliveryMode::fire_and_forget);
  forgotten.call = {};
  raw->send(forgotten, request(2, 2, "inline"), wire::Cancel{});

  ASSERT_EQ(seen.size(), 2u);
  EXPECT_FALSE(seen[0].stop_requested());
  EXPECT_FALSE(seen[1].stop_possible());
}

TEST_F(Cancellation, FollowsFromTheLossOfTheConnection) {
  add_hold({});
  send_together(std::tuple{request(1, 1, "hold"), request(2, 1, "hold")});
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_FALSE(tokens[0].stop_requested());

  raw.reset();
  network.settle();

  EXPECT_TRUE(tokens[0].stop_requested());
  EXPECT_TRUE(tokens[1].stop_requested());
  held[0](1);
}

TEST_F(Cancellation, FollowsFromAConnectionThatIsLostInTheTurnOfAnInlineHandler) {
  add_hold({.execution = Execution::inline_});

  wire::Hello again;  // breaks the rules, and with them the connection
  raw->send(request(1, 1, "hold"), again);

  EXPECT_TRUE(raw->is_closed());
  ASSERT_EQ(held.size(), 1u);
  EXPECT_TRUE(held[0].stop_token().stop_requested());
}

TEST_F(Cancellation, ComesWithTheCloseOfTheNodeOnceItHasWaited) {
  add_hold({});
  raw->send(request(1, 1, "hold"));
  TimePoint stopped_at{0};
  const std::stop_callback on_stop(tokens.at(0), [&] {
    stopped_at = server.now();
    held[0](3);
  });
  const TimePoint begin = server.now();

  const auto closed = server.close();

  EXPECT_TRUE(closed.error().is(Errc::deadline_exceeded)) << closed.error().text;
  EXPECT_EQ(stopped_at - begin, NodeOptions().close_timeout);
  raw->settle();
  EXPECT_EQ(reply(), "3") << "what a handler says when it is asked to stop is sent still";
}

TEST_F(Cancellation, DoesNotComeWithACloseThatFindsAllHandlersDone) {
  add_hold({});
  raw->send(request(1, 1, "hold"));
  server.after(std::chrono::seconds(1), [&] { held.at(0)(3); });

  EXPECT_TRUE(server.close().has_value());

  EXPECT_FALSE(tokens.at(0).stop_requested());
}

// ---- Nothing is lost, nothing comes twice ----

class CancelledAtRandom : public Cancellation {
 protected:
  CancelledAtRandom() {
    add_hold({.concurrency_max = 3});
    server.add(unary("echo", [](int number) { return number; })).value();
    const auto later = [this](int, Reply<int> reply) { held.push_back(std::move(reply)); };
    server.add(unary("later", later, {Execution::inline_})).value();
    server.add(unary("serial", later, {Execution::inline_, 1})).value();
  }

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random() % bound); }
  wire::Request any_request(std::uint32_t slot) {
    static constexpr const char* names[] = {"hold", "echo", "later", "serial"};
    const std::uint32_t which = slot <= 4 ? slot : 1 + below(4);
    wire::Request sent = request(slot, which, names[which - 1]);
    if (below(3) == 0) sent.mode = DeliveryMode::with_receipt_and_response;
    if (below(4) == 0) sent.wants_accepted = true;
    if (below(6) == 0) sent.payload = as_bytes("\"no number\"");
    return sent;
  }
  void answer_one() {
    if (held.empty()) return;
    const auto at = held.begin() + below(static_cast<std::uint32_t>(held.size()));
    const Reply<int> reply = std::move(*at);
    held.erase(at);
    reply(1);
    raw->settle();
  }
  void count_outcomes() {
    for (const auto& reply : raw->take<wire::Reply>()) ++outcomes[reply.call.slot()];
    for (const auto& nack : raw->take<wire::Nack>()) ++outcomes[nack.call.slot()];
    for (const auto& told : raw->take<wire::Accepted>()) ++acceptances[told.call.slot()];
  }

  std::mt19937 random{24};
  std::map<std::uint32_t, int> outcomes;
  std::map<std::uint32_t, int> acceptances;
};

TEST_F(CancelledAtRandom, EachRequestHasExactlyOneOutcome) {
  constexpr std::uint32_t requests = 3000;
  for (std::uint32_t slot = 1; slot <= requests; ++slot) {
    const wire::Request sent = any_request(slot);
    if (below(3) == 0) {
      raw->send(sent, wire::Cancel{call(slot)});
    } else {
      raw->send(sent);
    }
    if (below(2) == 0) cancel(1 + below(slot));
    if (below(2) == 0) answer_one();
    count_outcomes();
  }
  while (!held.empty()) answer_one();
  count_outcomes();

  EXPECT_EQ(outcomes.size(), requests);
  EXPECT_TRUE(std::ranges::all_of(outcomes, [](const auto& o) { return o.second == 1; }));
  EXPECT_TRUE(std::ranges::all_of(acceptances, [](const auto& a) { return a.second == 1; }));
  EXPECT_GT(acceptances.size(), 500u);
  EXPECT_FALSE(raw->is_closed());
  EXPECT_TRUE(server.close().has_value()) << "no message is kept any more";
}

}  // namespace
}  // namespace trestle
