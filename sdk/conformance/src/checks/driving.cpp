// Driving: no call waits, nobody starves, the host's clock counts, threads may take turns.
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

constexpr std::uint64_t queue_bytes = 64 * 1024;

/// Sends to a receiver that does not run until the queue is full for good; returns how many.
std::uint64_t stall(Bench& bench, const Pair& pair) {
  const std::size_t packet_bytes = pair.client.fitting(4000);
  std::uint64_t sent = 0;
  while (true) {
    const unsigned writables = pair.out.writables;
    const tt_status status =
        pair.client.send(pair.out, make_pattern(sent, packet_bytes), TT_SEND_COPY).status;
    if (status == TT_OK) {
      ++sent;
      continue;
    }
    expect_status("send to a full queue", TT_E_AGAIN, status);
    const auto writable = [&] { return pair.out.writables > writables; };
    if (!bench.pump_until_quiet({&pair.client}, writable)) return sent;
  }
}

using Clock = std::chrono::steady_clock;

/// The shortest of several runs: a busy machine makes some of them long, but not all.
template <class Act>
Clock::duration shortest(Act act) {
  Clock::duration best = Clock::duration::max();
  for (int i = 0; i < 15; ++i) {
    const auto start = Clock::now();
    act();
    best = std::min(best, Clock::now() - start);
  }
  return best;
}

template <class Act>
void expect_quick(const std::string& what, Act act) {
  constexpr std::chrono::milliseconds bound{10};
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(shortest(act));
  expect(took < bound, what + ": expected less than 10 ms, got at best " +
                           std::to_string(took.count()) + " us: calls do not block");
}

void calls_do_not_block(Bench& bench) {
  const Pair pair = connect_pair(bench, {}, {.queue_bytes_max = queue_bytes});
  bench.pump_until_quiet({&pair.client, &pair.server});
  expect_quick("progress() with nothing to do", [&] { pair.client.progress(); });
  expect_quick("arm() with nothing to do", [&] { pair.client.arm(); });

  const std::uint64_t sent = stall(bench, pair);

  expect_quick("progress() with a full queue", [&] { pair.client.progress(); });
  const auto bytes = make_pattern(sent, pair.client.fitting(4000));
  expect_quick("send() to a full queue", [&] { pair.client.send(pair.out, bytes, TT_SEND_COPY); });
  expect_quick("connect()", [&] { pair.client.connect(pair.uri); });
  bench.pump_until([&] { return pair.in.arrived == sent; }, "all packets after the stall");
}

std::chrono::nanoseconds thread_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// Processor time of this thread, so that a busy machine changes nothing.
void progress_is_bounded(Bench& bench) {
  constexpr std::chrono::milliseconds bound{150};
  constexpr std::uint64_t packet_count = 20'000;
  const Pair pair = connect_pair(bench, {.batch_events = 64}, {.queue_bytes_max = 1 << 20});
  const std::size_t packet_bytes = pair.client.fitting(500);
  std::chrono::nanoseconds longest{0};
  std::uint64_t sent = 0;

  const auto give_up = Clock::now() + bench.subject().patience;
  while (pair.in.arrived < packet_count && Clock::now() < give_up) {
    while (sent < packet_count && !pair.out.owes_writable) {
      const auto bytes = make_pattern(sent, packet_bytes);
      if (pair.client.send(pair.out, bytes, TT_SEND_COPY).status == TT_OK) ++sent;
    }
    pair.client.progress();
    const auto before = thread_time();
    pair.server.progress();
    longest = std::max(longest, thread_time() - before);
  }
  bench.expect_no_complaints();
  expect_equal("packets of a flood that arrived", packet_count, pair.in.arrived);

  expect(longest < bound,
         "progress() in a flood: expected at most 150 ms of processor time for 64 "
         "events, got " +
             std::to_string(longest.count() / 1'000'000) + " ms");
}

void nobody_starves(Bench& bench) {
  constexpr std::size_t quiet_count = 10;
  constexpr int rounds_max = 3000;
  const Pair pair = connect_pair(bench, {}, {.queue_bytes_max = queue_bytes});
  std::vector<Ends> quiet;
  for (std::size_t i = 0; i < quiet_count; ++i) {
    quiet.push_back(connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri));
  }
  const std::size_t packet_bytes = pair.client.fitting(1000);
  std::uint64_t sent = 0;
  const auto flood = [&] {
    while (!pair.out.owes_writable) {
      const auto bytes = make_pattern(sent, packet_bytes);
      const tt_status status = pair.client.send(pair.out, bytes, TT_SEND_COPY).status;
      if (status == TT_OK) {
        ++sent;
      } else {
        expect_status("send in a flood", TT_E_AGAIN, status);
      }
    }
    pair.client.progress();
    pair.server.progress();
    pair.in.arrivals.clear();
  };
  for (int i = 0; i < 20; ++i) flood();

  for (const Ends& ends : quiet) {
    send_or_wait(bench, pair.client, ends.out, make_pattern(7, 10), TT_SEND_COPY);
  }
  const auto all_arrived = [&] {
    return std::all_of(quiet.begin(), quiet.end(),
                       [](const Ends& ends) { return ends.in.arrived == 1; });
  };
  // Rounds without a packet are a library's threads at work: they favour nobody.
  int rounds = 0;
  const auto give_up = Clock::now() + bench.subject().patience;
  while (!all_arrived() && rounds < rounds_max && Clock::now() < give_up) {
    const std::size_t before = pair.in.arrived;
    flood();
    if (pair.in.arrived != before) ++rounds;
  }

  bench.expect_no_complaints();
  expect(all_arrived(),
         "10 quiet connections beside one that floods: expected a packet of each "
         "within 3000 rounds, got some that waited longer");
  bench.pump_until([&] { return pair.in.arrived == sent; }, "the flood to pass");
}

// The clock stands still while the client waits for room that never comes.
void deadlines_keep_the_hosts_clock(Bench& bench) {
  constexpr std::chrono::nanoseconds linger = std::chrono::seconds(2);
  const Pair pair = connect_pair(
      bench, {}, {.queue_bytes_max = queue_bytes, .clock = ClockKind::manual, .linger = linger});
  stall(bench, pair);
  while (!pair.client.arm()) pair.client.progress();
  const bool had_deadline = pair.client.has_deadline();
  pair.client.close(pair.out);
  const bool was_woken = pair.client.sleep(std::chrono::milliseconds(0));
  bench.pump_until_quiet({&pair.client});
  if (pair.out.closed) throw Skipped{"an orderly close waits for nothing here"};
  while (!pair.client.arm()) pair.client.progress();
  const std::uint64_t now = pair.client.host().now_ns();
  const std::uint64_t latest = now + static_cast<std::uint64_t>(linger.count());

  expect(pair.client.has_deadline(),
         "arm() while an orderly close lingers: expected a deadline, got none");
  expect(
      had_deadline || was_woken || !pair.client.can_sleep(),
      "an orderly close while the host sleeps without a deadline: expected a wake-up, so that it "
      "learns of the new one, got none");
  expect(pair.client.deadline_ns() <= latest,
         "arm() while an orderly close lingers: expected a deadline within linger_ns on the clock "
         "of tt_host.now, got " +
             std::to_string((pair.client.deadline_ns() - now) / 1'000'000) + " ms from now");
  for (int i = 0; i < 100 && !pair.out.closed; ++i) {
    pair.client.host().advance(linger / 50);
    pair.client.progress();
  }

  expect(pair.out.closed,
         "linger_ns on the clock of tt_host.now, twice over: expected CLOSED, got "
         "none");
}

void wait_descriptor_stays(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const int wait_fd = pair.client.attributes().wait_fd;
  if ((pair.client.attributes().wait_flags & TT_WAIT_FD) == 0) {
    throw Skipped{"the transport declares no wait_fd (TT_WAIT_FD)"};
  }
  struct stat before {};
  expect(::fstat(wait_fd, &before) == 0, "wait_fd: expected an open descriptor, got none");
  const auto expect_same = [&](const std::string& when) {
    struct stat after {};
    expect_equal("wait_fd " + when, wait_fd, pair.client.query_again().wait_fd);
    expect(::fstat(wait_fd, &after) == 0 && after.st_ino == before.st_ino &&
               after.st_dev == before.st_dev,
           "wait_fd " + when + ": expected the same open file, got another or none");
  };

  expect_same("after connecting");
  const Ends other = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);
  pair.server.close(other.in, TT_CLOSE_ABORT);
  bench.pump_until([&] { return other.out.closed; }, "CLOSED");
  expect_same("after a connection was reset");
  pair.client.shutdown();
  bench.pump_until([&] { return pair.client.is_down(); }, "DOWN");
  expect_same("after DOWN");
}

/// Sends numbered packets and takes turns in driving, as every thread of a host may.
class Taker {
 public:
  Taker(const Pair& pair, std::mutex& lead, std::uint64_t number)
      : pair_(pair), lead_(lead), number_(number) {}

  void run() {
    for (std::uint64_t i = 0; i < packets; ++i) {
      while (!failed && send(i) == TT_E_AGAIN) take_the_lead();
      if (i % 3 == 0) take_the_lead();  // or else who sends always drives before it sends again
    }
  }

  static constexpr std::uint64_t packets = 1500;
  std::atomic<bool> failed = false;

 private:
  tt_status send(std::uint64_t i) {
    const std::array<std::uint64_t, 2> words{number_, i};
    const tt_status status =
        pair_.client.send(pair_.out, std::as_bytes(std::span(words)), TT_SEND_COPY).status;
    if (status != TT_OK && status != TT_E_AGAIN) failed = true;
    return status;
  }

  void take_the_lead() {
    const std::unique_lock lock(lead_, std::try_to_lock);
    if (!lock.owns_lock()) return std::this_thread::yield();
    pair_.client.progress();
    static_cast<void>(pair_.client.arm());
    pair_.server.progress();
  }

  const Pair& pair_;
  std::mutex& lead_;
  const std::uint64_t number_;
};

void threads_take_turns(Bench& bench) {
  constexpr std::uint64_t thread_count = 4;
  const Pair pair = connect_pair(bench);
  std::mutex lead;
  std::vector<std::unique_ptr<Taker>> takers;
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < thread_count; ++i) {
    takers.push_back(std::make_unique<Taker>(pair, lead, i));
  }
  for (const auto& taker : takers) threads.emplace_back([&taker] { taker->run(); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& taker : takers) {
    expect(!taker->failed, "sends of four threads: expected TT_OK, got an error");
  }
  bench.pump_until([&] { return pair.in.arrived == thread_count * Taker::packets; },
                   "the packets of four threads");

  std::array<std::uint64_t, thread_count> next{};
  for (const Arrival& arrival : pair.in.arrivals) {
    std::array<std::uint64_t, 2> words{};
    expect_equal("length of a packet", sizeof(words), arrival.bytes.size());
    std::memcpy(words.data(), arrival.bytes.data(), sizeof(words));
    expect(words[0] < thread_count, "packets of four threads: expected their bytes, got others");
    expect_equal("number of thread " + std::to_string(words[0]) + "'s next packet",
                 next[words[0]]++, words[1]);
  }
}

/// Room for the descriptors of many connections; returns how many there may be.
std::size_t make_room_for_connections(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(wanted, limit.rlim_cur / 4);
}

void thousand_connections(Bench& bench) {
  const std::size_t count = make_room_for_connections(1000);
  if (count < 200) throw Skipped{"RLIMIT_NOFILE allows less than 200 connections"};
  Driver& server = bench.open();
  Driver& client = bench.open();
  Listener& listener = server.listen(bench.subject().listen_uri);
  const std::string uri = server.uri_of(listener);
  std::vector<Connection*> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(&client.connect(uri));
  const auto each_up = [&] {
    return std::all_of(all.begin(), all.end(),
                       [](const Connection* c) { return c->up || c->closed; });
  };

  bench.pump_until([&] { return listener.accepted.size() == count && each_up(); },
                   std::to_string(count) + " times CONNECTED and ACCEPTED");
  for (std::size_t i = 0; i < count; ++i) {
    expect(all[i]->up && !all[i]->closed,
           "one of " + std::to_string(count) +
               " connections at once: expected CONNECTED, got CLOSED: " + all[i]->closed_text);
    send_or_wait(bench, client, *all[i], make_pattern(i, 32), TT_SEND_COPY);
  }
  bench.pump_until(
      [&] {
        return std::all_of(listener.accepted.begin(), listener.accepted.end(),
                           [](const Connection* c) { return c->arrived == 1; });
      },
      "a packet on each of " + std::to_string(count) + " connections");
}

}  // namespace

std::span<const Check> driving_checks() {
  static constexpr std::array checks = {
      Check{"NoCallBlocks", "Threads", 0, calls_do_not_block, {.company = Company::alone}},
      Check{"ProgressIsBoundedInAFlood", "Packets", 0, progress_is_bounded},
      Check{"AFloodStarvesNobody", "Flow", 0, nobody_starves},
      Check{"AThousandConnectionsAtOnce", "Connections", 0, thousand_connections},
      Check{"DeadlinesKeepTheHostsClock", "Sleeping", 0, deadlines_keep_the_hosts_clock},
      Check{"TheWaitDescriptorStays", "Ownership", 0, wait_descriptor_stays},
      Check{"ThreadsMayTakeTurns", "Threads", 0, threads_take_turns},
  };
  return checks;
}

}  // namespace trestle::conformance
