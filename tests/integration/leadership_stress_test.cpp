// Many threads, one client: whoever leads, every message ends in exactly one outcome.
#include <gtest/gtest.h>
#include <trestle/trestle.hpp>

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;

constexpr int caller_count = 8;

/// What became of the messages of one test. started = succeeded + failed, once all have ended.
struct Tally {
  std::atomic<int> started{0};
  std::atomic<int> succeeded{0};
  std::atomic<int> failed{0};
  std::atomic<int> unexpected{0};

  int ended() const { return succeeded + failed; }
  /// Blocks until all that was started has ended.
  void await() {
    for (int now = ended(); now < started; now = ended()) std::this_thread::yield();
  }
  template <class T>
  void note(const Result<T>& outcome, std::initializer_list<Errc> expected = {}) {
    if (outcome.has_value()) {
      ++succeeded;
      return;
    }
    ++failed;
    for (const Errc code : expected) {
      if (outcome.error().is(code)) return;
    }
    ++unexpected;
    ADD_FAILURE() << outcome.error().text;
  }
};

template <class Body>
void on_every_caller(Body body) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < caller_count; ++caller) callers.emplace_back(body, caller);
  for (std::thread& thread : callers) thread.join();
}

Result<int> ask_sender(Context& context, std::string_view handler, int value) {
  return context.node.peer(context.sender).call<int>(handler, value);
}

class LeadershipStress : public ::testing::TestWithParam<const char*> {
 protected:
  /// Handlers that both ends have.
  void serve(Node& node) {
    const HandlerOptions in_turn{Execution::inline_};
    node.add(unary(
                 "echo", [](int value) { return value; }, in_turn))
        .value();
    node.add(unary("spawned", [](int value) { return value; })).value();
    node.add(unary(
                 "ask_back", [](Context& c, int value) { return ask_sender(c, "echo", value); },
                 in_turn))
        .value();
    node.add(unary("spawned_ask_back",
                   [](Context& c, int value) { return ask_sender(c, "spawned", value); }))
        .value();
    node.add(unary(
                 "later",
                 [&node](int value, Reply<int> reply) {
                   node.after(100us, [value, reply]() mutable { reply(value); });
                 },
                 in_turn))
        .value();
    node.add(unary(
                 "never",
                 [this](int, Reply<int> reply) {
                   const std::lock_guard lock(kept_mutex_);
                   kept_.push_back(std::move(reply));
                 },
                 in_turn))
        .value();
    node.add(am(
                 "count", [this](int) { ++counted_; }, in_turn))
        .value();
  }
  void forget_unanswered() {
    std::vector<Reply<int>> dropped;
    const std::lock_guard lock(kept_mutex_);
    dropped.swap(kept_);
  }

  /// One call of the kind that `turn` picks; each must succeed with its own value.
  static void call_one(const Peer& peer, int turn, Tally& tally) {
    constexpr std::array handlers{"echo", "spawned", "ask_back", "spawned_ask_back", "later"};
    const char* handler = handlers.at(static_cast<std::size_t>(turn) % handlers.size());
    ++tally.started;
    const auto outcome = peer.call<int>(handler, turn);
    if (outcome.has_value()) {
      EXPECT_EQ(*outcome, turn);
    }
    tally.note(outcome);
  }
  static void start_one(const Peer& peer, int turn, Tally& tally,
                        std::initializer_list<Errc> expected) {
    ++tally.started;
    peer.async_call<int>(turn % 2 == 0 ? "echo" : "spawned", turn,
                         [&tally, expected = std::vector(expected)](const Result<int>& outcome) {
                           if (outcome.has_value() || expected.empty()) return tally.note(outcome);
                           tally.note(outcome, {expected.front(), expected.back()});
                         });
  }

  std::atomic<int> counted_{0};
  std::mutex kept_mutex_;
  std::vector<Reply<int>> kept_;
};

INSTANTIATE_TEST_SUITE_P(Uris, LeadershipStress,
                         ::testing::Values("inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& parameter) {
                           const std::string uri(parameter.param);
                           return uri.substr(0, uri.find(':'));
                         });

TEST_P(LeadershipStress, EveryMessageEndsInOneOutcome) {
  constexpr int turns = 150;
  Tally calls, async_calls, sends, late, timers;
  Node server, client;
  serve(server);
  serve(client);
  const Peer peer = client.connect(server.listen(GetParam()).value()).value();

  on_every_caller([&](int caller) {
    for (int turn = 0; turn < turns; ++turn) {
      call_one(peer, caller * turns + turn, calls);
      start_one(peer, turn, async_calls, {});
      ++sends.started;
      sends.note(peer.send("count", turn));
      ++timers.started;
      client.after(10us * turn, [&timers] { ++timers.succeeded; });
      if (turn % 10 != 0) continue;
      ++late.started;
      late.note(peer.with_timeout(1ms).call<int>("never", turn), {Errc::deadline_exceeded});
    }
  });
  async_calls.await();
  timers.await();
  ASSERT_TRUE(client.close().has_value());
  while (counted_ < sends.started) std::this_thread::yield();
  forget_unanswered();
  ASSERT_TRUE(server.close().has_value());

  EXPECT_EQ(calls.succeeded, calls.started);
  EXPECT_EQ(async_calls.succeeded, async_calls.started);
  EXPECT_EQ(timers.succeeded, timers.started);
  EXPECT_EQ(late.failed, late.started);
  EXPECT_EQ(counted_, sends.started) << "each once";
}

TEST_P(LeadershipStress, CallsBackAndForthFitAWindowOfOne) {
  constexpr int turns = 60;
  Tally calls;
  Node server({.requests_max = 1}), client({.requests_max = 1});
  serve(server);
  serve(client);
  const Peer peer = client.connect(server.listen(GetParam()).value()).value();

  on_every_caller([&](int caller) {
    for (int turn = 0; turn < turns; ++turn) call_one(peer, caller * turns + turn, calls);
  });

  EXPECT_EQ(calls.succeeded, calls.started);
  EXPECT_EQ(calls.ended(), caller_count * turns);
}

TEST_P(LeadershipStress, ASlowConsumerHoldsItsSendersBackAndLosesNothing) {
  constexpr int turns = 200;
  Tally sends;
  std::atomic<int> consumed{0};
  Node server({.workers = 1, .requests_max = 8});
  server
      .add(am("sink",
              [&](BytesView) {
                for (volatile int work = 0; work < 10'000;) work = work + 1;
                ++consumed;
              },
              {.concurrency_max = 1}))
      .value();
  Node client({.queue_bytes_max = 16u << 10});
  const Peer peer = client.connect(server.listen(GetParam()).value()).value();
  const std::string kilobyte(1024, 'x');

  on_every_caller([&](int) {
    for (int turn = 0; turn < turns; ++turn) {
      ++sends.started;
      sends.note(peer.send("sink", Payload::copy(kilobyte)));
    }
  });
  ASSERT_TRUE(client.close().has_value());
  while (consumed < sends.started) std::this_thread::yield();

  EXPECT_EQ(sends.succeeded, caller_count * turns);
  EXPECT_EQ(server.counters().messages_refused, 0u);
  EXPECT_EQ(consumed, sends.started);
}

TEST_P(LeadershipStress, SendersThatFindNoRoomGiveUpAtTheirTimeout) {
  Tally calls, sends;
  Node server({.requests_max = 1});
  serve(server);
  server.add(am("sink", [](BytesView) {})).value();
  Node client({.queue_bytes_max = 1024, .call_timeout = 20ms});
  const std::string uri = server.listen(GetParam()).value();
  const Peer peer = client.connect(uri, {.timeout = 10s}).value();
  peer.with_timeout(1h).async_call<int>("never", 0, [](const Result<int>&) {});
  const std::string argument(600, 'x');

  on_every_caller([&](int caller) {
    for (int turn = 0; turn < 3; ++turn) {
      ++sends.started;
      sends.note(peer.send("sink", Payload::copy(argument)), {Errc::deadline_exceeded});
      if (caller % 2 != 0) continue;
      ++calls.started;
      calls.note(peer.call<int>("echo", turn), {Errc::deadline_exceeded});
    }
  });

  EXPECT_EQ(calls.failed, calls.started);
  EXPECT_EQ(sends.ended(), sends.started);
  EXPECT_LE(sends.succeeded, 1) << "what fits the queue";
  forget_unanswered();
}

TEST_P(LeadershipStress, ClosingInTheMiddleEndsEveryCallOnce) {
  constexpr int rounds = 12;
  for (int round = 0; round < rounds; ++round) {
    Tally calls, async_calls;
    Node server({.close_timeout = 50ms}), client({.close_timeout = 50ms});
    serve(server);
    serve(client);
    const Peer peer = client.connect(server.listen(GetParam()).value()).value();
    std::thread closer([&] {
      while (calls.ended() < 40 + 10 * round) std::this_thread::yield();
      Node& node = round % 2 == 0 ? client : server;
      if (auto closed = node.close(); closed.has_error()) {
        EXPECT_TRUE(closed.error().is(Errc::deadline_exceeded)) << closed.error().text;
      }
    });

    on_every_caller([&](int caller) {
      for (int turn = caller; calls.failed == 0; ++turn) {
        ++calls.started;
        ++async_calls.started;
        client.after(1us, [] {});
        peer.async_call<int>("spawned", turn, [&async_calls](const Result<int>& outcome) {
          ++(outcome.has_value() ? async_calls.succeeded : async_calls.failed);
        });
        const auto outcome = peer.call<int>(turn % 3 == 0 ? "ask_back" : "spawned", turn);
        ++(outcome.has_value() ? calls.succeeded : calls.failed);
      }
    });
    closer.join();
    async_calls.await();

    EXPECT_EQ(calls.ended(), calls.started);
    EXPECT_GE(calls.failed, 1);
    EXPECT_EQ(async_calls.ended(), async_calls.started);
  }
}

}  // namespace
}  // namespace trestle
