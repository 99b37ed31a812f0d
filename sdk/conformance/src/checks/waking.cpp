// Sleeping: every event ends the host's sleep, and nothing else does.
#include <array>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "../bench.hpp"
#include "../leader.hpp"
#include "../pattern.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

/// Few packets under way at a time, so that the leaders fall asleep again and again.
class Window {
 public:
  explicit Window(std::chrono::seconds patience) : patience_(patience) {}

  bool enter() {
    std::unique_lock lock(mutex_);
    const bool entered = changed_.wait_for(lock, patience_, [&] { return under_way_ < count_max; });
    if (entered) ++under_way_;
    return entered;
  }
  void leave(std::size_t count) {
    {
      const std::lock_guard lock(mutex_);
      under_way_ -= count;
    }
    changed_.notify_all();
  }
  bool wait_until_empty() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience_, [&] { return under_way_ == 0; });
  }

 private:
  static constexpr std::size_t count_max = 3;
  const std::chrono::seconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;
};

void pause_for_a_while(std::mt19937_64& random) {
  // The stimulus, not a synchronisation: it spreads the sends over the leader's arm-and-sleep.
  const std::uint64_t turns = random() % 4000;
  for (std::atomic<std::uint64_t> turn = 0; turn < turns; ++turn) {
  }
}

void send_echoes(const Pair& pair, Window& window, std::uint64_t seed, std::atomic<bool>& failed) {
  std::mt19937_64 random(seed);
  for (std::uint64_t number = 0; number < 1000 && !failed; ++number) {
    if (!window.enter()) failed = true;
    pause_for_a_while(random);
    const auto bytes = make_pattern(number, 1 + random() % 64);
    if (pair.client.send(pair.out, bytes, TT_SEND_COPY).status != TT_OK) failed = true;
  }
}

void expect_led_well(Leader& leader, const std::string& whose) {
  const std::string failure = leader.stop();
  expect(failure.empty(), "the " + whose + "'s leader: " + failure);
}

void no_lost_wake_up(Bench& bench) {
  const Pair pair = connect_pair(bench);
  if (!pair.client.can_sleep()) throw Skipped{"a poll-only transport has no wake-ups"};
  Window window(bench.subject().patience);
  std::atomic<bool> failed = false;
  {
    Leader server(pair.server, [&] {
      for (Arrival& arrival : std::exchange(pair.in.arrivals, {})) {
        if (pair.server.send(pair.in, arrival.bytes, TT_SEND_COPY).status != TT_OK) failed = true;
      }
    });
    Leader client(pair.client, [&] { window.leave(std::exchange(pair.out.arrivals, {}).size()); });
    const std::uint64_t seed = bench.subject().seed;
    std::thread other([&] { send_echoes(pair, window, seed + 1, failed); });
    send_echoes(pair, window, seed, failed);
    other.join();
    const bool empty = window.wait_until_empty();

    expect_led_well(client, "client");
    expect_led_well(server, "server");
    expect(!failed && empty,
           "2000 packets and their echoes: expected all to pass, got a stall or "
           "a refused send (seed " +
               std::to_string(seed) + ")");
  }
}

/// Whether the call that makes the event comes after arm(), or before it but after progress().
enum class Acting { before_arm, after_arm };

/// Fails unless `act` leads to `done` on the sleeping `driver` by wake-ups alone.
void expect_wakes(Bench& bench, Driver& driver, const std::string& what, Acting acting,
                  const std::function<void()>& act, const std::function<bool()>& done) {
  bench.pump_until_quiet({&driver});
  while (driver.progress() != 0) {  // the host is awake: nothing owes it a wake-up
  }
  if (acting == Acting::before_arm) {
    act();
    driver.host().consume_wake();  // a host that is awake takes no notice: arm() has to tell it
  }
  bool armed = driver.arm();
  if (acting == Acting::after_arm) {
    for (; !armed; armed = driver.arm()) driver.progress();
    act();
  }
  while (!done()) {
    expect(!armed || driver.sleep(bench.subject().patience),
           what + ": expected it to end the host's sleep, got no wake-up");
    while (driver.progress() != 0) {
    }
    armed = driver.arm();
  }
}

void expect_side_effects_to_wake(Bench& bench, Acting acting) {
  const Pair pair = connect_pair(bench);
  if (!pair.client.can_sleep()) throw Skipped{"a poll-only transport has no wake-ups"};
  const Ends other = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);

  expect_wakes(
      bench, pair.client, "CLOSED after an abort", acting,
      [&] { pair.client.close(other.out, TT_CLOSE_ABORT); }, [&] { return other.out.closed; });
  expect_wakes(
      bench, pair.server, "UNLISTENED", acting, [&] { pair.server.unlisten(pair.listener); },
      [&] { return pair.listener.gone; });
  Connection* refused = nullptr;
  expect_wakes(
      bench, pair.client, "CLOSED of a refused connection", acting,
      [&] { refused = &pair.client.connect(pair.uri); }, [&] { return refused->closed; });
  expect_wakes(
      bench, pair.server, "a packet", acting,
      [&] {
        pair.client.send(pair.out, make_pattern(1, 10), TT_SEND_COPY);
        bench.pump_until_quiet({&pair.client});
      },
      [&] { return pair.in.arrived == 1; });
  expect_wakes(
      bench, pair.client, "DOWN after shutdown()", acting, [&] { pair.client.shutdown(); },
      [&] {
        // Until it is quiet: it may hear of the end a moment later.
        if (!pair.client.is_down()) bench.pump_until_quiet({&pair.server});
        return pair.client.is_down();
      });
  Driver& idle = bench.open();
  expect_wakes(
      bench, idle, "DOWN after shutdown() without connections", acting, [&] { idle.shutdown(); },
      [&] { return idle.is_down(); });
}

void side_effects_wake(Bench& bench) {
  expect_side_effects_to_wake(bench, Acting::after_arm);
}

void earlier_events_wake(Bench& bench) {
  expect_side_effects_to_wake(bench, Acting::before_arm);
}

void release_wakes_the_sender(Bench& bench) {
  const Pair pair = connect_pair(bench);
  if (!pair.client.can_sleep()) throw Skipped{"a poll-only transport has no wake-ups"};
  pair.server.set_holding(Holding::keep);
  const auto bytes = make_pattern(1, pair.client.fitting(1 << 20));
  const SendResult result = send_or_wait(bench, pair.client, pair.out, bytes);
  bench.pump_until([&] { return pair.in.arrived == 1; }, "the packet to hold");
  bench.pump_until_quiet({&pair.client, &pair.server});
  if (!pair.out.pending.contains(result.op)) {
    throw Skipped{"the sender has its buffer back before the receiver releases the packet"};
  }

  expect_wakes(
      bench, pair.client, "SENT after the receiver's release", Acting::after_arm,
      [&] { pair.server.release(pair.in.arrivals.front()); },
      [&] { return !pair.out.pending.contains(result.op); });
}

/// Counts what ends the sleep of `driver`, arm() saying busy included, while nothing happens.
unsigned wake_ups_in(Driver& driver, std::chrono::milliseconds span) {
  const auto end = std::chrono::steady_clock::now() + span;
  unsigned wake_ups = 0;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return wake_ups;
    if (!driver.arm() || driver.sleep(left)) ++wake_ups;
    driver.progress();
  }
}

constexpr std::chrono::milliseconds idle_span{300};
constexpr unsigned idle_wake_ups_max = 6;  // 20 in a second

void expect_quiet_sleep(Driver& driver, const std::string& whose) {
  if (!driver.can_sleep()) throw Skipped{"a poll-only transport has no wake-ups"};
  const unsigned wake_ups = wake_ups_in(driver, idle_span);
  expect(wake_ups < idle_wake_ups_max, whose + ": expected fewer than " +
                                           std::to_string(idle_wake_ups_max) +
                                           " wake-ups in 300 ms, got " + std::to_string(wake_ups));
}

void idle_sleeps(Bench& bench) {
  const Pair pair = connect_pair(bench);
  for (int i = 0; i < 3; ++i) {
    connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);
  }
  send_or_wait(bench, pair.client, pair.out, make_pattern(1, 10), TT_SEND_COPY);
  expect_packet(bench, pair.in, 1, 10);
  bench.pump_until_quiet({&pair.client, &pair.server});

  expect_quiet_sleep(pair.client, "an idle client");
  expect_quiet_sleep(pair.server, "an idle server");
}

void stalled_sender_sleeps(Bench& bench) {
  const Pair pair = connect_pair(bench, {}, {.queue_bytes_max = 64 * 1024});
  const std::size_t packet_bytes = pair.client.fitting(4000);
  std::uint64_t sent = 0;
  tt_status status = TT_OK;
  bool stalled = false;
  while (!stalled) {
    const unsigned writables = pair.out.writables;
    status = pair.client.send(pair.out, make_pattern(sent, packet_bytes), TT_SEND_COPY).status;
    if (status == TT_OK) {
      ++sent;
      continue;
    }
    expect_status("send to a full queue", TT_E_AGAIN, status);
    const auto writable = [&] { return pair.out.writables > writables; };
    stalled = !bench.pump_until_quiet({&pair.client}, writable);
  }

  expect_quiet_sleep(pair.client, "a client that waits for WRITABLE");
  bench.pump_until([&] { return pair.in.arrived == sent; }, "all packets after the stall");
}

/// A host that arms right after a batch, as it may: whatever the transport does with packets that
/// were shown, such as to make room for more, must not wait for a round that nothing announces.
void shown_packets_hold_nothing_up(Bench& bench) {
  constexpr std::uint64_t packets_max = 400;
  const Pair pair = connect_pair(bench);
  if (!pair.server.can_sleep()) throw Skipped{"a poll-only transport has no wake-ups"};
  std::uint64_t sent = 0;
  const auto send_next = [&] {
    return pair.client.send(pair.out, make_pattern(sent, 100), TT_SEND_COPY).status == TT_OK;
  };
  while (sent < packets_max && send_next()) ++sent;

  bool armed = false;
  while (pair.in.arrived < sent) {
    bench.pump_until_quiet({&pair.client});
    expect(!armed || pair.server.sleep(bench.subject().patience),
           std::to_string(pair.in.arrived) + " of " + std::to_string(sent) +
               " packets were shown, and arm() allowed the sleep right after a batch: expected "
               "the others to end it, got no wake-up");
    pair.server.progress();
    armed = pair.server.arm();
  }
}

}  // namespace

std::span<const Check> waking_checks() {
  static constexpr std::array checks = {
      Check{"NoWakeUpIsLostWhileOthersSend", "Sleeping", 0, no_lost_wake_up},
      Check{"SideEffectsOfCallsEndTheSleep", "Sleeping", 0, side_effects_wake},
      Check{"WhatHappenedBeforeArmForbidsTheSleep", "Sleeping", 0, earlier_events_wake},
      Check{"ShownPacketsHoldNothingUp", "Sleeping", 0, shown_packets_hold_nothing_up},
      Check{"AReleaseEndsTheSendersSleep", "Sleeping", TT_CAP_TX_BORROW | TT_CAP_RX_HOLD,
            release_wakes_the_sender},
      Check{"AnIdleTransportLetsTheHostSleep", "Sleeping", 0, idle_sleeps},
      Check{"AStalledSenderLetsTheHostSleep", "Sleeping", 0, stalled_sender_sleeps},
  };
  return checks;
}

}  // namespace trestle::conformance
