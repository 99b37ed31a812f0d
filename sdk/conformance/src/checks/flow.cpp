// Bounded queues: TT_E_AGAIN, WRITABLE, and nothing lost in between.
#include <algorithm>
#include <array>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

constexpr std::uint64_t narrow_queue_bytes = 64 * 1024;

/// Sends to a receiver that does not run until the queue is full for good; returns how many.
std::uint64_t fill(Bench& bench, const Pair& pair, std::size_t packet_bytes) {
  const std::uint64_t bound = narrow_queue_bytes + bench.subject().library_buffer_bytes_max;
  std::uint64_t count = 0;
  while (true) {
    const unsigned writables = pair.out.writables;
    const SendResult result =
        pair.client.send(pair.out, make_pattern(count, packet_bytes), TT_SEND_COPY);
    if (result.status == TT_OK) {
      ++count;
      expect(count * packet_bytes <= bound + packet_bytes,
             "a receiver that reads nothing: expected TT_E_AGAIN within " + std::to_string(bound) +
                 " bytes, got none");
      continue;
    }
    expect_status("send to a full queue", TT_E_AGAIN, result.status);
    const auto writable = [&] { return pair.out.writables > writables; };
    if (!bench.pump_until_quiet({&pair.client}, writable)) return count;
  }
}

void back_pressure(Bench& bench) {
  const Pair pair = connect_pair(bench, {}, {.queue_bytes_max = narrow_queue_bytes});
  const std::size_t packet_bytes = pair.client.fitting(1000);

  std::uint64_t count = fill(bench, pair, packet_bytes);
  for (int i = 0; i < 3; ++i) {
    expect_status("another send to a full queue", TT_E_AGAIN,
                  pair.client.send(pair.out, make_pattern(0, packet_bytes), TT_SEND_COPY).status);
  }
  const unsigned before = pair.out.writables;
  bench.pump_until([&] { return pair.out.writables > before; }, "WRITABLE");
  bench.pump_until_quiet({&pair.client, &pair.server});

  expect_equal("WRITABLE after four times TT_E_AGAIN", before + 1, pair.out.writables);
  send_or_wait(bench, pair.client, pair.out, make_pattern(count, packet_bytes), TT_SEND_COPY);
  for (std::uint64_t number = 0; number <= count; ++number) {
    expect_packet(bench, pair.in, number, packet_bytes);
  }
}

// In trains: a system call for each would take seconds, in which nobody reads.
void empty_packets_are_bounded(Bench& bench) {
  constexpr std::uint64_t count_max = 20'000'000;
  constexpr std::uint64_t train_packets = 64;
  const Pair pair = connect_pair(bench, {}, {.queue_bytes_max = narrow_queue_bytes});
  tt_status status = TT_OK;

  std::uint64_t count = 0;
  while (status == TT_OK && count < count_max) {
    const std::uint32_t more = (count + 1) % train_packets == 0 ? 0u : TT_SEND_MORE;
    status = pair.client.send(pair.out, std::span<const std::byte>{}, TT_SEND_COPY | more).status;
    if (status == TT_OK) ++count;
  }
  pair.client.flush();

  expect_status("empty packets to a receiver that reads nothing", TT_E_AGAIN, status);
  bench.pump_until([&] { return pair.in.arrived == count; }, "all empty packets");
}

/// A packet, and a mark that it exceeds, whatever the transport's largest packet is.
struct Excess {
  std::size_t packet_bytes;
  std::uint64_t mark_bytes;
};

Excess excess_of(Bench& bench) {
  const std::size_t packet_bytes = bench.open().fitting(1 << 20);
  return {packet_bytes, std::min<std::uint64_t>(narrow_queue_bytes, packet_bytes / 4)};
}

void larger_than_the_queue(Bench& bench) {
  const auto [packet_bytes, mark_bytes] = excess_of(bench);
  const Pair pair = connect_pair(bench, {}, {.queue_bytes_max = mark_bytes});
  for (std::uint64_t number = 0; number < 3; ++number) {
    const tt_status status =
        pair.client.send(pair.out, make_pattern(number, packet_bytes), TT_SEND_COPY).status;

    expect_status("a packet larger than tx_hwm_bytes into an empty queue", TT_OK, status);
    expect_packet(bench, pair.in, number, packet_bytes);
    bench.pump_until_quiet({&pair.client, &pair.server});
  }
}

void large_waits_for_room(Bench& bench) {
  const auto [packet_bytes, mark_bytes] = excess_of(bench);
  const Pair pair = connect_pair(bench, {}, {.queue_bytes_max = mark_bytes});
  const std::size_t small_bytes = pair.client.fitting(1000);
  const std::uint64_t count = fill(bench, pair, small_bytes);

  const auto large = make_pattern(count, packet_bytes);
  send_or_wait(bench, pair.client, pair.out, large, TT_SEND_COPY);

  for (std::uint64_t number = 0; number < count; ++number) {
    expect_packet(bench, pair.in, number, small_bytes);
  }
  expect_packet(bench, pair.in, count, packet_bytes);
}

// Neither side reads before it has sent: no transport may need the other's attention for that.
void flood_both_ways(Bench& bench) {
  constexpr std::uint64_t packet_count = 3000;
  const OpenOptions narrow{.queue_bytes_max = narrow_queue_bytes};
  const Pair pair = connect_pair(bench, narrow, narrow);
  const std::size_t packet_bytes = pair.client.fitting(4000);
  std::uint64_t out = 0;
  std::uint64_t in = 0;
  const auto send_some = [&](Driver& driver, Connection& conn, std::uint64_t& number) {
    while (number < packet_count) {
      const tt_status status =
          driver.send(conn, make_pattern(number, packet_bytes), TT_SEND_COPY).status;
      if (status == TT_E_AGAIN) return;
      expect_status("send in a flood", TT_OK, status);
      ++number;
    }
  };

  bench.pump_until(
      [&] {
        if (!pair.out.owes_writable) send_some(pair.client, pair.out, out);
        if (!pair.in.owes_writable) send_some(pair.server, pair.in, in);
        return pair.in.arrived == packet_count && pair.out.arrived == packet_count;
      },
      "a flood in both directions to pass");

  for (std::uint64_t number = 0; number < packet_count; ++number) {
    expect_packet(bench, pair.in, number, packet_bytes);
    expect_packet(bench, pair.out, number, packet_bytes);
  }
}

struct Traces {
  std::vector<TraceEntry> in;
  std::vector<TraceEntry> out;
};

Traces trace_with_batches_of(Bench& bench, std::uint32_t events) {
  const OpenOptions options{.batch_events = events};
  const Pair pair = connect_pair(bench, options, options);
  for (std::uint64_t number = 0; number < 100; ++number) {
    const std::size_t packet_bytes = pair.client.fitting(number * 13);
    send_or_wait(bench, pair.client, pair.out, make_pattern(number, packet_bytes), TT_SEND_COPY);
  }
  pair.client.close(pair.out);
  bench.pump_until([&] { return pair.in.closed && pair.out.closed; }, "CLOSED on both sides");
  return {pair.in.trace, pair.out.trace};
}

void batch_size_changes_nothing(Bench& bench) {
  const Traces single = trace_with_batches_of(bench, 1);
  const Traces many = trace_with_batches_of(bench, 64);

  expect(single.in == many.in,
         "the accepting end: expected the same events with cap 1 as with cap 64");
  expect(single.out == many.out,
         "the connecting end: expected the same events with cap 1 as with cap 64");
  expect_equal("events at the accepting end", std::size_t{102}, many.in.size());
}

void paused_is_not_read(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const Ends other = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);
  const std::size_t packet_bytes = pair.client.fitting(1000);
  pair.server.pause(pair.in);
  send_or_wait(bench, pair.client, pair.out, make_pattern(1, packet_bytes), TT_SEND_COPY);
  send_or_wait(bench, pair.client, other.out, make_pattern(2, packet_bytes), TT_SEND_COPY);
  send_or_wait(bench, pair.server, pair.in, make_pattern(3, packet_bytes), TT_SEND_COPY);

  expect_packet(bench, other.in, 2, packet_bytes);
  expect_packet(bench, pair.out, 3, packet_bytes);
  bench.pump_until_quiet({&pair.client, &pair.server});

  expect_equal("packets on a paused connection", std::size_t{0}, pair.in.arrived);
  pair.server.resume(pair.in);
  expect_packet(bench, pair.in, 1, packet_bytes);
}

}  // namespace

std::span<const Check> flow_checks() {
  static constexpr std::array checks = {
      Check{"AFullQueueSaysAgainAndThenWritableOnce", "Flow", 0, back_pressure},
      Check{"EmptyPacketsAreBoundedToo", "Flow", 0, empty_packets_are_bounded},
      Check{"APacketLargerThanTheQueuePassesAnEmptyOne", "Flow", 0, larger_than_the_queue},
      Check{"APacketLargerThanTheQueueWaitsForRoom", "Flow", 0, large_waits_for_room},
      Check{"AFloodInBothDirectionsPasses", "Flow", 0, flood_both_ways},
      Check{"APausedConnectionIsNotRead", "Flow", TT_CAP_RX_PAUSE, paused_is_not_read},
      Check{"TheBatchSizeChangesNoEvent", "Packets", 0, batch_size_changes_nothing},
  };
  return checks;
}

}  // namespace trestle::conformance
