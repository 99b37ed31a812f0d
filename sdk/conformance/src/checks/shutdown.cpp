// The end of a transport: shutdown, DOWN, destroy; and that it needs no threads.
#include <array>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "../resources.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

void shutdown_with_traffic(Bench& bench) {
  const Pair pair = connect_pair(bench);
  std::vector<Ends> all = {{pair.in, pair.out}};
  for (int i = 0; i < 4; ++i) {
    all.push_back(connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri));
  }
  const std::size_t packet_bytes = pair.client.fitting(4000);
  for (std::uint64_t number = 0; number < 20; ++number) {
    for (const Ends& ends : all) {
      send_or_wait(bench, pair.client, ends.out, make_pattern(number, packet_bytes), TT_SEND_COPY);
      send_or_wait(bench, pair.server, ends.in, make_pattern(number, packet_bytes), TT_SEND_COPY);
    }
  }

  pair.server.shutdown();
  bench.pump_until([&] { return pair.server.is_down(); }, "DOWN after shutdown()");

  expect(pair.listener.gone, "shutdown: expected UNLISTENED before DOWN, got none");
  for (const Ends& ends : all) {
    expect(ends.in.closed, "shutdown: expected CLOSED on every connection before DOWN");
    bench.pump_until([&] { return ends.out.closed; }, "CLOSED on the other side of a shutdown");
    std::uint64_t number = 0;
    for (const Arrival& arrival : ends.out.arrivals) {
      expect(is_pattern(number++, arrival.bytes),
             "packets before a shutdown: expected them whole and in order");
    }
    expect_equal("packets sent before a shutdown", std::size_t{20}, ends.out.arrived);
  }
  bench.pump_until_quiet({&pair.server, &pair.client});
}

void destroy_waits_for_all(Bench& bench) {
  const Pair pair = connect_pair(bench);
  expect_status("destroy before shutdown, with a connection", TT_E_BUSY, pair.server.destroy());

  pair.server.shutdown();
  bench.pump_until([&] { return pair.server.is_down(); }, "DOWN after shutdown()");

  expect_status("destroy before conn_free()", TT_E_BUSY, pair.server.destroy());
  pair.server.free(pair.in);
  expect_status("destroy with nothing left", TT_OK, pair.server.destroy());
}

void destroy_waits_for_held(Bench& bench) {
  const Pair pair = connect_pair(bench);
  pair.server.set_holding(Holding::keep);
  const auto bytes = make_pattern(1, pair.client.fitting(100'000));
  send_or_wait(bench, pair.client, pair.out, bytes, TT_SEND_COPY);
  bench.pump_until([&] { return pair.in.arrived == 1; }, "the packet to hold");
  pair.server.shutdown();
  bench.pump_until([&] { return pair.server.is_down(); }, "DOWN while a packet is held");
  pair.server.free(pair.in);

  expect_status("destroy while a packet is held", TT_E_BUSY, pair.server.destroy());
  expect(is_pattern(1, gather(pair.in.arrivals.front().original)),
         "a packet held beyond DOWN: expected its bytes, got others");
  pair.server.release(pair.in.arrivals.front());
  expect_status("destroy with nothing left", TT_OK, pair.server.destroy());
}

// A receiver holds the sender's memory: the sender may not go down before it has it back.
void shutdown_waits_for_lent(Bench& bench) {
  const Pair pair = connect_pair(bench);
  pair.server.set_holding(Holding::keep);
  const auto bytes = make_pattern(1, pair.client.fitting(1 << 20));
  const SendResult result = send_or_wait(bench, pair.client, pair.out, bytes);
  bench.pump_until([&] { return pair.in.arrived == 1; }, "the packet to hold");
  bench.pump_until_quiet({&pair.client, &pair.server});
  if (!pair.out.pending.contains(result.op)) {
    throw Skipped{"the sender has its buffer back before the receiver releases the packet"};
  }

  pair.client.shutdown();
  bench.pump_until_quiet({&pair.client, &pair.server});

  expect(!pair.client.is_down(), "shutdown while the receiver holds a lent packet: got DOWN");
  pair.server.release(pair.in.arrivals.front());
  bench.pump_until([&] { return pair.client.is_down(); }, "DOWN after the release");
  expect_status("SENT", TT_OK, pair.out.sent.at(result.op));
}

void idle_shutdown(Bench& bench) {
  Driver& driver = bench.open();

  driver.shutdown();
  bench.pump_until([&] { return driver.is_down(); }, "DOWN of a transport that did nothing");

  expect_status("destroy", TT_OK, driver.destroy());
}

void no_threads(Bench& bench) {
  const std::size_t threads = running_threads();
  const OpenOptions options{.flags = TT_OPEN_NO_THREADS, .clock = ClockKind::manual};
  const Pair pair = connect_pair(bench, options, options);

  const std::size_t packet_bytes = pair.client.fitting(100'000);
  send_or_wait(bench, pair.client, pair.out, make_pattern(1, packet_bytes), TT_SEND_COPY);
  expect_packet(bench, pair.in, 1, packet_bytes);

  expect_equal("threads with TT_OPEN_NO_THREADS", threads, running_threads());
}

}  // namespace

std::span<const Check> shutdown_checks() {
  static constexpr std::array checks = {
      Check{"ShutdownWithTrafficClosesAllAndGoesDownLast", "Shutdown", 0, shutdown_with_traffic},
      Check{"DestroyIsBusyWhileAConnectionLives", "Shutdown", 0, destroy_waits_for_all},
      Check{"DestroyIsBusyWhileAPacketIsHeld", "Shutdown", TT_CAP_RX_HOLD, destroy_waits_for_held},
      Check{"ShutdownWaitsForLentPackets", "Shutdown", TT_CAP_TX_BORROW | TT_CAP_RX_HOLD,
            shutdown_waits_for_lent},
      Check{"AnIdleTransportGoesDown", "Shutdown", 0, idle_shutdown, {.traffic = Traffic::none}},
      Check{"OpenedWithoutThreadsItStartsNone", "Threads", 0, no_threads},
  };
  return checks;
}

}  // namespace trestle::conformance
