// Memory lent in both directions: sends that borrow the host's buffers, packets that the host
// holds.
#include <algorithm>
#include <array>
#include <utility>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

std::size_t worth_borrowing(const Driver& driver) {
  constexpr std::size_t at_least = 256 * 1024;
  return driver.fitting(std::max<std::size_t>(at_least, driver.attributes().borrow_min));
}

// The buffer is overwritten the moment SENT comes: what arrives shows whether that was too early.
void borrowed_until_sent(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const std::size_t size = worth_borrowing(pair.client);
  for (std::uint64_t number = 0; number < 20; ++number) {
    auto bytes = make_pattern(number, size);

    const SendResult result = send_or_wait(bench, pair.client, pair.out, bytes);
    bench.pump_until([&] { return !pair.out.pending.contains(result.op); }, "SENT");
    std::fill(bytes.begin(), bytes.end(), std::byte{0xEE});

    expect_packet(bench, pair.in, number, size);
    if (result.status == TT_PENDING) {
      expect_status("SENT of a delivered packet", TT_OK, pair.out.sent.at(result.op));
    }
  }
}

void many_borrowed_at_once(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const std::size_t size = worth_borrowing(pair.client);
  std::vector<std::vector<std::byte>> buffers;
  std::vector<SendResult> results;

  for (std::uint64_t number = 0; number < 30; ++number) {
    buffers.push_back(make_pattern(number, size));
    results.push_back(send_or_wait(bench, pair.client, pair.out, buffers.back()));
  }
  pair.client.close(pair.out);

  for (std::uint64_t number = 0; number < 30; ++number) {
    expect_packet(bench, pair.in, number, size);
  }
  expect_closed(bench, pair.out, TT_E_CLOSED, "the closing side");
  for (const SendResult& result : results) {
    if (result.status != TT_PENDING) continue;
    expect(pair.out.sent.contains(result.op), "a pending send: expected SENT, got none");
    expect_status("SENT before an orderly CLOSED", TT_OK, pair.out.sent.at(result.op));
  }
}

// More than any library buffers is queued, so that some of it cannot have gone out.
void aborted_borrows_fail(Bench& bench) {
  const Pair pair = connect_pair(bench, {}, {.queue_bytes_max = 1ull << 40});
  const std::size_t packet_bytes = pair.client.fitting(16ull << 20);
  const auto bytes = make_pattern(1, packet_bytes);
  const std::uint64_t sends = bench.subject().library_buffer_bytes_max / packet_bytes + 2;
  std::vector<SendResult> pending;
  for (std::uint64_t i = 0; i < sends; ++i) {
    const SendResult result = pair.client.send(pair.out, bytes);
    if (result.status == TT_PENDING) pending.push_back(result);
  }
  if (pending.empty())
    throw Skipped{"no send of " + std::to_string(packet_bytes) + " bytes answered TT_PENDING"};

  pair.client.close(pair.out, TT_CLOSE_ABORT);
  bench.pump_until(
      {&pair.client}, [&] { return pair.out.closed; }, "CLOSED on the aborting side");

  for (const SendResult& result : pending) {
    expect(pair.out.sent.contains(result.op), "a pending send: expected SENT before CLOSED");
  }
  expect(pair.out.sent.at(pending.back().op) < 0,
         "SENT of the last of " + std::to_string(sends) +
             " sends to a receiver that reads nothing: expected an error after the abort, got " +
             name_of_status(pair.out.sent.at(pending.back().op)));
}

void expect_intact(const Arrival& arrival, std::uint64_t number, const std::string& when) {
  expect(is_pattern(number, gather(arrival.original)),
         "held packet " + std::to_string(number) + " " + when + ": expected its bytes, got others");
}

void held_packets(Bench& bench) {
  constexpr std::uint64_t packet_count = 8;
  const Pair pair = connect_pair(bench);
  const std::size_t packet_bytes = pair.client.fitting(100'000);
  pair.server.set_holding(Holding::keep);
  std::vector<std::vector<std::byte>> buffers;
  for (std::uint64_t number = 0; number < packet_count; ++number) {
    buffers.push_back(make_pattern(number, packet_bytes));
    const std::uint32_t flags = number % 2 == 0 ? 0u : TT_SEND_COPY;
    send_or_wait(bench, pair.client, pair.out, buffers.back(), flags);
  }
  bench.pump_until([&] { return pair.in.arrived == packet_count; }, "packets to hold");
  auto& held = pair.in.arrivals;
  for (const Arrival& arrival : held) {
    expect(arrival.rx != nullptr,
           "a packet of " + std::to_string(packet_bytes) + " bytes: expected an rx, got none");
  }

  for (const std::size_t number : {5u, 0u, 3u}) {
    expect_intact(held[number], number, "before its release out of order");
    pair.server.release(held[number]);
  }
  pair.client.close(pair.out);
  expect_closed(bench, pair.in, TT_E_CLOSED, "the holding side");
  expect_intact(held[1], 1, "after CLOSED");
  pair.server.release(held[1]);
  pair.server.free(pair.in);
  for (const std::size_t number : {7u, 2u, 4u, 6u}) {
    expect_intact(held[number], number, "after conn_free()");
    pair.server.release(held[number]);
  }
  expect_closed(bench, pair.out, TT_E_CLOSED, "the sending side");
}

void holding_stalls_reception_only(Bench& bench) {
  constexpr std::uint64_t most = 64;
  const Pair pair = connect_pair(bench);
  const std::size_t packet_bytes = pair.client.fitting(100'000);
  pair.server.set_holding(Holding::keep);
  const std::uint64_t bound = pair.server.attributes().rx_hold_max;
  const std::uint64_t count = bound == 0 ? most : std::min(most, bound);
  for (std::uint64_t number = 0; number < count; ++number) {
    send_or_wait(bench, pair.client, pair.out, make_pattern(number, packet_bytes), TT_SEND_COPY);
  }
  bench.pump_until([&] { return pair.in.arrived == count; },
                   std::to_string(count) + " packets to hold, as rx_hold_max promises");

  const auto answer = make_pattern(1, pair.server.fitting(1 << 20));
  const SendResult result = send_or_wait(bench, pair.server, pair.in, answer);
  expect_packet(bench, pair.out, 1, answer.size());
  bench.pump_until([&] { return !pair.in.pending.contains(result.op); },
                   "SENT while all packets that may be held are held");

  for (std::uint64_t number = 0; number < count; ++number) {
    expect_intact(pair.in.arrivals[number], number, "with all others held");
    pair.server.release(pair.in.arrivals[number]);
  }
  pair.in.arrivals.clear();
  send_or_wait(bench, pair.client, pair.out, make_pattern(count, 100), TT_SEND_COPY);
  bench.pump_until([&] { return pair.in.arrived == count + 1; }, "a packet after the releases");
}

void short_lived_packets(Bench& bench) {
  constexpr std::uint64_t packet_count = 200;
  const Pair pair = connect_pair(bench);
  pair.server.set_holding(Holding::keep);
  for (std::uint64_t number = 0; number < packet_count; ++number) {
    send_or_wait(bench, pair.client, pair.out, make_pattern(number, 200), TT_SEND_COPY);
  }

  bench.pump_until([&] { return pair.in.arrived == packet_count; }, "all packets");

  std::uint64_t number = 0;
  for (Arrival& arrival : pair.in.arrivals) {
    expect(is_pattern(number, arrival.bytes), "packets of one batch: expected all intact");
    if (arrival.rx != nullptr) expect_intact(arrival, number, "while held");
    ++number;
  }
}

/// Every call but progress(), on the transport that has just shown packets.
void call_everything(Bench& bench, const Pair& pair, const Ends& other, std::uint64_t number) {
  const auto answer = make_pattern(number, pair.server.fitting(1000));
  for (Connection* conn : {&pair.in, &other.in}) {
    pair.server.send(*conn, answer, TT_SEND_COPY);
    static_cast<void>(pair.server.describe(*conn));
  }
  pair.server.flush();
  static_cast<void>(pair.server.query_again());
  Listener& listener = pair.server.listen(bench.subject().listen_uri);
  pair.server.close(pair.server.connect(pair.server.uri_of(listener)), TT_CLOSE_ABORT);
  pair.server.unlisten(listener);
  for (Arrival& arrival : pair.in.arrivals) pair.server.release(arrival);
  static_cast<void>(pair.server.arm());
}

void shown_until_progress(Bench& bench) {
  constexpr std::uint64_t round_count = 10;
  const Pair pair = connect_pair(bench);
  const Ends other = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);
  pair.server.set_holding(Holding::keep);
  std::size_t looked_at = 0;
  for (std::uint64_t round = 0; round < round_count; ++round) {
    for (int i = 0; i < 4; ++i) {
      send_or_wait(bench, pair.client, pair.out, make_pattern(round, 200), TT_SEND_COPY);
    }
    bench.pump_until_quiet({&pair.client});
    bench.pump_until([&] { return !pair.in.arrivals.empty(); }, "a packet");

    call_everything(bench, pair, other, round);

    for (const Arrival& arrival : std::exchange(pair.in.arrivals, {})) {
      if (arrival.was_held) continue;
      ++looked_at;
      expect(gather(arrival.original) == arrival.bytes,
             "a packet without rx, after other calls on its transport: expected it as it was until "
             "the next progress(), got other bytes");
    }
  }
  if (looked_at == 0) throw Skipped{"every packet comes with an rx"};
}

}  // namespace

std::span<const Check> borrowing_checks() {
  static constexpr std::array checks = {
      Check{"ABorrowedBufferIsFreeOnceSent", "Lent memory", TT_CAP_TX_BORROW, borrowed_until_sent},
      Check{"EachPendingSendIsSentOnce", "Lent memory", TT_CAP_TX_BORROW, many_borrowed_at_once},
      Check{"AnAbortFailsBorrowedSends", "Lent memory", TT_CAP_TX_BORROW, aborted_borrows_fail},
      Check{"HeldPacketsOutliveOrderCloseAndConnection", "Lent memory", TT_CAP_RX_HOLD,
            held_packets},
      Check{"HoldingPacketsStallsReceptionOnly", "Lent memory", TT_CAP_RX_HOLD,
            holding_stalls_reception_only},
      Check{"PacketsOfABatchAreIntactTogether", "Ownership", 0, short_lived_packets},
      Check{"OtherCallsLeaveShownPacketsAlone", "Ownership", 0, shown_until_progress},
  };
  return checks;
}

}  // namespace trestle::conformance
