// Many calls at once, of all kinds and in both directions: each gets its own outcome.
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "held_calls.hpp"
#include "scenario.hpp"

namespace trestle::scenarios {
namespace {

class ManyCalls : public Scenario {
 protected:
  /// Runs `body` with the numbers from 0 on, each on a thread of its own.
  template <class Body>
  static void on_threads(int count, Body body) {
    std::vector<std::jthread> threads;
    for (int number = 0; number < count; ++number) threads.emplace_back(body, number);
  }
};

TRESTLE_OVER_EVERY_TRANSPORT(ManyCalls);

TEST_P(ManyCalls, GoBothWaysOnOneConnection) {
  constexpr int calls = 500;
  Node one(options());
  Node other(options());
  one.add(unary(
              "add_one", [](int n) { return n + 1; }, in_turn))
      .value();
  other.add(unary("add_two", [](int n) { return n + 2; })).value();
  const Peer to_one = connect(other, one);
  ASSERT_TRUE(to_one.ensure_bidirectional_connection().has_value());
  const Peer to_other = one.peer(other.instance_id());

  on_threads(4, [&](int thread) {
    const bool back = thread % 2 == 1;
    for (int n = 0; n < calls; ++n) {
      const auto sum = back ? to_other.call<int>("add_two", n) : to_one.call<int>("add_one", n);
      ASSERT_TRUE(sum.has_value()) << sum.error();
      ASSERT_EQ(*sum, n + (back ? 2 : 1));
    }
  });

  EXPECT_EQ(one.counters().connections, 1u);
  EXPECT_EQ(other.counters().connections, 1u);
}

/// One of a thousand calls, and how it must end.
struct Expected {
  std::string_view handler;
  DeliveryMode mode;
  Errc refusal;  // with the text of `text`; unused if `answered`
  bool answered;
};

/// What happens to call number n: eight fates that take turns.
constexpr std::array<Expected, 8> fates{{
    {"hold", DeliveryMode::with_response, {}, true},
    {"hold", DeliveryMode::confirmed, {}, true},
    {"deny", DeliveryMode::with_response, Errc::handler_failed, false},
    {"deny", DeliveryMode::confirmed, Errc::handler_failed, false},
    {"nobody", DeliveryMode::with_response, Errc::handler_not_found, false},
    {"check", DeliveryMode::with_response, Errc::kind_mismatch, false},
    {"check", DeliveryMode::confirmed, Errc::handler_failed, false},
    {"hold", DeliveryMode::with_response, {}, true},
}};

/// Text that belongs to this call alone, or to its fate.
std::string refusal_text(const Expected& fate, int n) {
  if (fate.refusal == Errc::handler_not_found) return "No handler for 'nobody'";
  if (fate.refusal == Errc::kind_mismatch) {
    return "Handler type mismatch: client expects 'unary' but handler 'check' is 'ack'";
  }
  return std::to_string(n);
}

void expect_fate(const Expected& fate, int n, const Result<int>& outcome) {
  if (fate.answered) {
    ASSERT_TRUE(outcome.has_value()) << n << ": " << outcome.error();
    EXPECT_EQ(*outcome, n);
  } else {
    ASSERT_TRUE(outcome.has_error()) << n;
    EXPECT_TRUE(outcome.error().is(fate.refusal)) << n << ": " << outcome.error();
    EXPECT_EQ(outcome.error().text, refusal_text(fate, n));
  }
}

/// The outcome of a thousand calls, each counted.
struct Outcomes {
  explicit Outcomes(std::size_t count) : got(count), times(count) {}
  void note(int n, Result<int> outcome) {
    got[static_cast<std::size_t>(n)] = std::move(outcome);
    ++times[static_cast<std::size_t>(n)];
    ++ended;
  }
  std::vector<Result<int>> got;
  std::vector<std::atomic<int>> times;
  std::atomic<std::size_t> ended = 0;
};

TEST_P(ManyCalls, OfAllKindsThatAreUnderWayAtOnceGetTheirOwnOutcome) {
  constexpr int calls = 1000;
  HeldCalls held;
  HeldCalls denied;
  Outcomes outcomes(calls);
  Node server(options());
  server.add(held.handler("hold")).value();
  server.add(denied.handler("deny")).value();
  const auto check = [](int n) -> Result<void> { return refuse(std::to_string(n)); };
  server.add(ack("check", check)).value();
  Node client(options());
  const Peer peer = connect(client, server);

  for (int n = 0; n < calls; ++n) {
    const Expected& fate = fates[static_cast<std::size_t>(n) % fates.size()];
    if (fate.mode == DeliveryMode::with_response) {
      peer.async_call<int>(fate.handler, n,
                           [&outcomes, n](Result<int> outcome) { outcomes.note(n, outcome); });
    } else {
      peer.async_confirm(fate.handler, n, [&outcomes, n](const Result<void>& outcome) {
        outcomes.note(n, outcome.has_value() ? Result<int>(n) : Result<int>(outcome.error()));
      });
    }
  }
  ASSERT_TRUE(held.await(calls * 3 / 8) && denied.await(calls * 2 / 8)) << "all are under way";
  denied.refuse();
  held.answer();

  ASSERT_TRUE(eventually([&] { return outcomes.ended == calls; })) << outcomes.ended;
  for (int n = 0; n < calls; ++n) {
    const auto i = static_cast<std::size_t>(n);
    EXPECT_EQ(outcomes.times[i], 1) << n;
    expect_fate(fates[i % fates.size()], n, outcomes.got[i]);
  }
}

TEST_P(ManyCalls, OfSeveralThreadsDoNotMixUp) {
  Node server(options());
  server
      .add(unary(
          "double", [](int n) { return 2 * n; }, in_turn))
      .value();
  server.add(unary("spawned_double", [](int n) { return 2 * n; })).value();
  Node client(options());
  const Peer peer = connect(client, server);

  on_threads(8, [&](int thread) {
    for (int i = 0; i < 250; ++i) {
      const int n = thread * 1000 + i;
      const auto twice = peer.call<int>(i % 2 == 0 ? "double" : "spawned_double", n);
      ASSERT_TRUE(twice.has_value()) << twice.error();
      ASSERT_EQ(*twice, 2 * n);
    }
  });
}

TEST_P(ManyCalls, ReachTheirHandlerInTheOrderOfTheirAdmission) {
  constexpr int threads = 4;
  constexpr int messages = 2000;
  std::array<std::atomic<int>, threads> next{};
  std::atomic<int> out_of_order = 0;
  const auto note = [&](int n) {
    const auto thread = static_cast<std::size_t>(n / messages);
    out_of_order += next.at(thread)++ == n % messages ? 0 : 1;
  };
  Node server(options());
  server.add(am("inline", note, in_turn)).value();
  Node client(options());
  const Peer peer = connect(client, server);

  on_threads(threads, [&](int thread) {
    for (int i = 0; i < messages; ++i) {
      ASSERT_TRUE(peer.send("inline", thread * messages + i).has_value());
    }
  });

  EXPECT_TRUE(eventually([&] {
    return std::ranges::all_of(next, [](const auto& count) { return count == messages; });
  }));
  EXPECT_EQ(out_of_order, 0);
}

TEST_P(ManyCalls, RunOneAfterTheOtherInOrderWhereTheHandlerAsksForIt) {
  constexpr int messages = 2000;
  std::atomic<int> next = 0;
  std::atomic<int> out_of_order = 0;
  const auto note = [&](int n) { out_of_order += next++ == n ? 0 : 1; };
  Node server(options());
  server.add(am("one_by_one", note, {.concurrency_max = 1})).value();
  Node client(options());
  const Peer peer = connect(client, server);

  for (int n = 0; n < messages; ++n) ASSERT_TRUE(peer.send("one_by_one", n).has_value());

  EXPECT_TRUE(eventually([&] { return next == messages; }));
  EXPECT_EQ(out_of_order, 0);
}

TEST_P(ManyCalls, OfAPeerThatRegisteredNothingAreServed) {
  Node server(options());
  Node client(options());
  server.add(unary("double", [](int n) { return 2 * n; })).value();
  const Peer peer = connect(client, server);

  EXPECT_EQ(peer.call<int>("double", 21).value(), 42);
  const auto refused = server.peer(client.instance_id()).call<int>("double", 21);
  EXPECT_TRUE(refused.error().is(Errc::handler_not_found)) << refused.error();
  EXPECT_EQ(refused.error().ran, Ran::no);
}

}  // namespace
}  // namespace trestle::scenarios
