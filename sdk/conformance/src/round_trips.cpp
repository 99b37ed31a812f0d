// Ping, pong, and the times in between, sorted.
#include <trestle/conformance/round_trips.hpp>

#include <algorithm>

#include "bench.hpp"
#include "pattern.hpp"

namespace trestle::conformance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t count_max = 5000;
constexpr std::chrono::milliseconds span_max{500};  // for one size

/// Nobody sleeps: what a wake-up costs is the operating system's, and differs from run to run.
void spin_until_arrival(Bench& bench, const Pair& pair, const Connection& at) {
  const auto give_up = Clock::now() + bench.subject().patience;
  while (at.arrivals.empty()) {
    pair.client.progress();
    pair.server.progress();
    expect(!at.closed && Clock::now() < give_up, "a round trip: expected a packet, got none");
  }
}

void go_and_return(Bench& bench, const Pair& pair, std::span<const std::byte> bytes) {
  send_or_wait(bench, pair.client, pair.out, bytes, TT_SEND_COPY);
  spin_until_arrival(bench, pair, pair.in);
  pair.in.arrivals.clear();
  send_or_wait(bench, pair.server, pair.in, bytes, TT_SEND_COPY);
  spin_until_arrival(bench, pair, pair.out);
  pair.out.arrivals.clear();
}

RoundTrips measure(Bench& bench, const Pair& pair, std::size_t size) {
  const auto bytes = make_pattern(1, size);
  std::vector<std::chrono::nanoseconds> times;
  const auto end = Clock::now() + span_max;
  while (times.size() < count_max && (times.empty() || Clock::now() < end)) {
    const auto start = Clock::now();
    go_and_return(bench, pair, bytes);
    times.push_back(Clock::now() - start);
  }
  std::sort(times.begin(), times.end());
  return {size, times.size(), times[times.size() / 2], times[times.size() * 99 / 100]};
}

}  // namespace

std::vector<RoundTrips> measure_round_trips(const Subject& subject) {
  constexpr std::size_t small_bytes = 64;
  constexpr std::size_t large_bytes = 64 * 1024;
  std::vector<RoundTrips> measured;
  try {
    skip_without(TT_CAP_LISTEN | TT_CAP_CONNECT, subject);
    Bench bench(subject);
    const Pair pair = connect_pair(bench);
    for (const std::size_t size :
         {pair.client.fitting(small_bytes), pair.client.fitting(large_bytes)}) {
      go_and_return(bench, pair, make_pattern(0, size));  // what is made once is made now
      measured.push_back(measure(bench, pair, size));
    }
    bench.finish();
  } catch (const Failed&) {
    return {};  // why is for the checks to say
  } catch (const Skipped&) {
    return {};
  }
  return measured;
}

}  // namespace trestle::conformance
