// How connections begin and end.
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "../resources.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

constexpr std::uint64_t packets_each = 50;
constexpr std::size_t usual_bytes = 3000;

enum class Closer { client, server };

// Packets of both directions are under way when one side closes in order. The closing side's must
// all arrive; those towards it may be lost once it has closed, but not be torn or out of order.
void close_in_order(Bench& bench, Closer closer) {
  const Pair pair = connect_pair(bench);
  const bool from_client = closer == Closer::client;
  Driver& driver = from_client ? pair.client : pair.server;
  Connection& mine = from_client ? pair.out : pair.in;
  Connection& theirs = from_client ? pair.in : pair.out;

  const std::size_t packet_bytes = driver.fitting(usual_bytes);
  for (std::uint64_t number = 0; number < packets_each; ++number) {
    send_or_wait(bench, driver, mine, make_pattern(number, packet_bytes), TT_SEND_COPY);
  }
  driver.close(mine);

  for (std::uint64_t number = 0; number < packets_each; ++number) {
    expect_packet(bench, theirs, number, packet_bytes);
  }
  expect_closed(bench, theirs, TT_E_CLOSED, "the other side of an orderly close");
  expect_closed(bench, mine, TT_E_CLOSED, "the closing side");
}

void client_closes_in_order(Bench& bench) {
  close_in_order(bench, Closer::client);
}
void server_closes_in_order(Bench& bench) {
  close_in_order(bench, Closer::server);
}

void send_after_close(Bench& bench) {
  const Pair pair = connect_pair(bench);

  pair.client.close(pair.out);
  const SendResult at_once = pair.client.send(pair.out, make_pattern(1, 10), TT_SEND_COPY);
  expect_closed(bench, pair.in, TT_E_CLOSED, "the accepting side");
  expect_closed(bench, pair.out, TT_E_CLOSED, "the closing side");

  expect_status("send after conn_close()", TT_E_CLOSED, at_once.status);
  expect_status("send after CLOSED, on the closing side", TT_E_CLOSED,
                pair.client.send(pair.out, make_pattern(1, 10), TT_SEND_COPY).status);
  expect_status("send after CLOSED, on the other side", TT_E_CLOSED,
                pair.server.send(pair.in, make_pattern(1, 10), TT_SEND_COPY).status);
}

void abort_ends_both_sides(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const std::size_t packet_bytes = pair.client.fitting(usual_bytes);
  for (std::uint64_t number = 0; number < packets_each; ++number) {
    send_or_wait(bench, pair.client, pair.out, make_pattern(number, packet_bytes), TT_SEND_COPY);
  }

  pair.client.close(pair.out, TT_CLOSE_ABORT);

  expect_closed(bench, pair.out, TT_E_CLOSED, "the aborting side");
  bench.pump_until([&] { return pair.in.closed; }, "CLOSED on the other side of an abort");
  std::uint64_t number = 0;
  for (const Arrival& arrival : pair.in.arrivals) {
    expect(is_pattern(number++, arrival.bytes),
           "packets before an abort: expected them whole and "
           "in order");
  }
}

void close_twice(Bench& bench) {
  const Pair pair = connect_pair(bench);

  pair.client.close(pair.out);
  pair.client.close(pair.out);
  pair.client.close(pair.out, TT_CLOSE_ABORT);
  pair.server.close(pair.in);

  bench.pump_until([&] { return pair.out.closed && pair.in.closed; }, "CLOSED on both sides");
  pair.client.close(pair.out,
                    TT_CLOSE_ABORT);  // CLOSED is delivered, conn_free has not been called
  bench.pump_until_quiet({&pair.client, &pair.server});
}

// Both sides close with much on its way to the other, which reads nothing more. What either had not
// sent may be lost, but none of them waits for the other's attention.
void both_close_in_order(Bench& bench) {
  constexpr std::uint64_t before = 6;
  constexpr std::uint64_t queued = 12;
  const OpenOptions patient{.linger = std::chrono::hours(1)};
  const Pair pair = connect_pair(bench, patient, patient);
  const std::size_t packet_bytes = pair.client.fitting(600'000);
  for (std::uint64_t number = 0; number < before; ++number) {
    send_or_wait(bench, pair.client, pair.out, make_pattern(number, packet_bytes), TT_SEND_COPY);
    expect_packet(bench, pair.in, number, packet_bytes);
    send_or_wait(bench, pair.server, pair.in, make_pattern(number, packet_bytes), TT_SEND_COPY);
    expect_packet(bench, pair.out, number, packet_bytes);
  }

  for (std::uint64_t number = 0; number < queued; ++number) {
    const auto bytes = make_pattern(number, packet_bytes);
    if (pair.client.send(pair.out, bytes, TT_SEND_COPY).status != TT_OK) break;
    if (pair.server.send(pair.in, bytes, TT_SEND_COPY).status != TT_OK) break;
  }
  pair.client.close(pair.out);
  pair.server.close(pair.in);

  expect_closed(bench, pair.out, TT_E_CLOSED, "the connecting side");
  expect_closed(bench, pair.in, TT_E_CLOSED, "the accepting side");
}

void close_while_connecting(Bench& bench) {
  const Pair pair = connect_pair(bench);

  Connection& orderly = pair.client.connect(pair.uri);
  pair.client.close(orderly);
  Connection& aborted = pair.client.connect(pair.uri);
  pair.client.close(aborted, TT_CLOSE_ABORT);

  bench.pump_until([&] { return orderly.closed && aborted.closed; },
                   "CLOSED for connections closed while connecting");
  // What the listener accepted of them must end, too; the first connection must not.
  bench.pump_until(
      [&] {
        for (const Connection* conn : pair.listener.accepted) {
          if (conn != &pair.in && !conn->closed) return false;
        }
        return true;
      },
      "CLOSED on the accepting side");
  send_or_wait(bench, pair.client, pair.out, make_pattern(1, 10), TT_SEND_COPY);
  expect_packet(bench, pair.in, 1, 10);
}

void connections_are_apart(Bench& bench) {
  const Pair pair = connect_pair(bench);
  std::vector<Ends> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri));
  }

  for (std::uint64_t round = 0; round < 5; ++round) {
    for (std::uint64_t i = 0; i < all.size(); ++i) {
      send_or_wait(bench, pair.client, all[i].out, make_pattern(100 * i + round, 100),
                   TT_SEND_COPY);
    }
  }
  pair.client.close(all.front().out);

  for (std::uint64_t round = 0; round < 5; ++round) {
    for (std::uint64_t i = 0; i < all.size(); ++i) {
      expect_packet(bench, all[i].in, 100 * i + round, 100);
    }
  }
  expect_closed(bench, all.front().in, TT_E_CLOSED, "the one connection that was closed");
  expect(!all.back().in.closed, "closing one connection: expected the others to live");
}

/// Waits until what was freed is back. A library and its threads may be far behind on a busy
/// machine; what has leaked stays, however long it takes.
void wait_while(const std::function<bool()>& holds_more, Bench& bench, const Pair& pair) {
  constexpr int tries = 25;
  for (int i = 0; i == 0 || (i < tries && holds_more()); ++i) {
    bench.pump_until_quiet({&pair.client, &pair.server});
  }
}

void leaks_nothing(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const auto round = [&] {
    const Ends ends = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);
    pair.client.close(ends.out);
    bench.pump_until([&] { return ends.in.closed && ends.out.closed; }, "CLOSED on both sides");
    pair.client.free(ends.out);
    pair.server.free(ends.in);
  };
  round();  // whatever is made once is made now
  // A library may close its descriptors a moment after CLOSED.
  bench.pump_until_quiet({&pair.client, &pair.server});
  const std::size_t descriptors = open_descriptors();
  const std::size_t threads = running_threads();

  for (int i = 0; i < 100; ++i) round();
  wait_while([&] { return open_descriptors() > descriptors || running_threads() > threads; }, bench,
             pair);

  expect_equal("file descriptors after 100 connections", descriptors,
               std::max(descriptors, open_descriptors()));
  expect_equal("threads after 100 connections", threads, running_threads());
}

void leaks_no_memory(Bench& bench) {
  constexpr int rounds = 300;
  constexpr std::size_t growth_max = 100'000;  // 333 bytes for each connection
  const Pair pair = connect_pair(bench);
  const auto round = [&] {
    const Ends ends = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);
    send_or_wait(bench, pair.client, ends.out, make_pattern(1, 100), TT_SEND_COPY);
    expect_packet(bench, ends.in, 1, 100);
    pair.client.close(ends.out);
    bench.pump_until([&] { return ends.in.closed && ends.out.closed; }, "CLOSED on both sides");
    pair.client.free_and_forget(nullptr, ends.out);
    pair.server.free_and_forget(&pair.listener, ends.in);
  };
  for (int i = 0; i < 50; ++i) round();  // what is kept for reuse is made now
  // A library may free what it has a moment after CLOSED.
  bench.pump_until_quiet({&pair.client, &pair.server});
  const std::size_t before = heap_bytes();

  for (int i = 0; i < rounds; ++i) round();
  wait_while([&] { return heap_bytes() >= before + growth_max; }, bench, pair);

  const std::size_t after = heap_bytes();
  expect(after < before + growth_max,
         "the heap after 300 connections: expected less than 100,000 "
         "bytes more, got " +
             std::to_string(after - before));
}

}  // namespace

std::span<const Check> connection_checks() {
  static constexpr std::array checks = {
      Check{"AnOrderlyCloseByTheClientDeliversEverythingFirst", "Connections", 0,
            client_closes_in_order},
      Check{"AnOrderlyCloseByTheServerDeliversEverythingFirst", "Connections", 0,
            server_closes_in_order},
      Check{"SendingOnAClosedConnectionSaysClosed", "Connections", 0, send_after_close},
      Check{"AnAbortEndsBothSides", "Connections", 0, abort_ends_both_sides},
      Check{"ClosingTwiceIsOneClosed", "Connections", 0, close_twice},
      Check{"BothSidesMayCloseInOrder", "Connections", 0, both_close_in_order},
      Check{"ClosingWhileConnectingEndsTheConnection", "Connections", 0, close_while_connecting},
      Check{"ConnectionsOfOneListenerAreApart", "Connections", 0, connections_are_apart},
      Check{"ConnectAndCloseLeakNoMemory", "Ownership", 0, leaks_no_memory},
      Check{"ConnectAndCloseLeakNoDescriptorsOrThreads", "Ownership", 0, leaks_nothing},
  };
  return checks;
}

}  // namespace trestle::conformance
