// Peers in other processes: killed, restarted, stopped; and a process that just ends.
#include <array>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

/// A connection from here to a peer process that echoes, after its first round trip.
struct Remote {
  Driver& driver;
  Connection& conn;
  std::string uri;
};

Remote connect_to_peer(Bench& bench, Driver& driver, const std::string& uri) {
  Connection& conn = driver.connect(uri);
  bench.pump_until([&] { return conn.up || conn.closed; }, "CONNECTED to a second process");
  expect(!conn.closed, "connecting to a second process at " + uri +
                           ": expected CONNECTED, got CLOSED: " + conn.closed_text);
  const std::size_t packet_bytes = driver.fitting(1000);
  send_or_wait(bench, driver, conn, make_pattern(1, packet_bytes), TT_SEND_COPY);
  expect_packet(bench, conn, 1, packet_bytes);
  return {driver, conn, uri};
}

/// Without TT_CAP_LOSS_NOTICE a loss may go unseen as long as nothing is sent, or longer.
void expect_reset(Bench& bench, Driver& driver, Connection& conn, const std::string& whose) {
  const bool noticed = (driver.attributes().caps & TT_CAP_LOSS_NOTICE) != 0;
  const auto closed = [&] { return conn.closed; };
  for (int i = 0; i < 20 && !noticed && !bench.pump_until_quiet({&driver}, closed); ++i) {
    driver.send(conn, make_pattern(2, driver.fitting(1000)), TT_SEND_COPY);
  }
  if (noticed) bench.pump_until(closed, "CLOSED on " + whose + ", as TT_CAP_LOSS_NOTICE promises");
  if (conn.closed) {
    expect(conn.closed_status == TT_E_RESET || conn.closed_status == TT_E_TIMEDOUT,
           "CLOSED on " + whose + ": expected TT_E_RESET, got " +
               name_of_status(conn.closed_status) + ": " + conn.closed_text);
  }
}

void killed_peer(Bench& bench) {
  PeerProcess& server = bench.peer(0);
  PeerProcess& client = bench.peer(1);
  Driver& driver = bench.open();
  const std::string uri = server.begin(PeerRole::echo, bench.subject().listen_uri);
  const Remote remote = connect_to_peer(bench, driver, uri);
  Listener& listener = driver.listen(bench.subject().listen_uri);
  client.begin(PeerRole::chat, driver.uri_of(listener));
  bench.pump_until(
      [&] { return !listener.accepted.empty() && listener.accepted.front()->arrived == 1; },
      "a packet from a second process");

  server.kill();
  expect_reset(bench, driver, remote.conn, "a connection to a process that was killed");
  client.kill();
  expect_reset(bench, driver, *listener.accepted.front(),
               "a connection from a process that was killed");
}

void never_comes_back(Bench& bench) {
  constexpr std::uint64_t stray = 99;
  PeerProcess& first = bench.peer(0);
  PeerProcess& second = bench.peer(1);
  Driver& driver = bench.open();
  const std::string uri = first.begin(PeerRole::echo, bench.subject().listen_uri);
  const Remote remote = connect_to_peer(bench, driver, uri);
  const std::size_t arrived = remote.conn.arrived;

  first.kill();
  expect_equal("URI of a listener at a dead one's address", uri, second.begin(PeerRole::echo, uri));
  const Remote fresh = connect_to_peer(bench, driver, uri);
  for (std::uint64_t round = 0; round < 10; ++round) {
    if (!remote.conn.closed) driver.send(remote.conn, make_pattern(stray, 100), TT_SEND_COPY);
    bench.pump_until_quiet({&driver});
    send_or_wait(bench, driver, fresh.conn, make_pattern(round, 100), TT_SEND_COPY);
    expect_packet(bench, fresh.conn, round, 100);
  }

  expect_equal(
      "packets on the old connection, after its peer was killed and another one took the "
      "address",
      arrived, remote.conn.arrived);
}

void stopped_peer(Bench& bench) {
  constexpr std::uint64_t queue_bytes = 64 * 1024;
  PeerProcess& peer = bench.peer(0);
  Driver& driver = bench.open({.queue_bytes_max = queue_bytes});
  const std::size_t packet_bytes = driver.fitting(4000);
  const std::string uri = peer.begin(PeerRole::echo, bench.subject().listen_uri);
  const Remote remote = connect_to_peer(bench, driver, uri);
  const std::uint64_t bound = queue_bytes + bench.subject().library_buffer_bytes_max;

  peer.stop();
  std::uint64_t sent = 0;
  while (true) {
    const unsigned writables = remote.conn.writables;
    const SendResult result =
        driver.send(remote.conn, make_pattern(sent, packet_bytes), TT_SEND_COPY);
    if (result.status == TT_OK) {
      expect(++sent * packet_bytes <= bound + packet_bytes,
             "sending to a stopped process: expected TT_E_AGAIN within " + std::to_string(bound) +
                 " bytes, got none");
      continue;
    }
    expect_status("send to a stopped process", TT_E_AGAIN, result.status);
    const auto writable = [&] { return remote.conn.writables > writables; };
    if (!bench.pump_until_quiet({&driver}, writable)) break;
  }
  expect(!remote.conn.closed, "a stopped process: expected the connection to wait, got CLOSED: " +
                                  remote.conn.closed_text);
  peer.resume();

  for (std::uint64_t number = 0; number < sent; ++number) {
    expect_packet(bench, remote.conn, number, packet_bytes);
  }
}

void ends_without_shutdown(Bench& bench) {
  PeerProcess& peer = bench.peer_of_any_reach(0);

  peer.begin(PeerRole::leave, bench.subject().listen_uri);

  expect_equal("a process that ends in the middle, without shutdown()",
               std::string("exit status 0"), peer.wait_for_end());
}

/// Nobody in this process does anything while its host sleeps: what comes must announce itself, by
/// the descriptor, or by a thread of the transport's own.
void outside_ends_the_sleep(Bench& bench) {
  constexpr std::uint64_t round_count = 20;
  PeerProcess& peer = bench.peer(0);
  Driver& driver = bench.open();
  if (!driver.can_sleep()) throw Skipped{"a poll-only transport has no wake-ups"};
  const std::string uri = peer.begin(PeerRole::echo, bench.subject().listen_uri);
  const Remote remote = connect_to_peer(bench, driver, uri);
  for (std::uint64_t round = 0; round < round_count; ++round) {
    const std::size_t wanted = remote.conn.arrived + 1;
    peer.stop();
    send_or_wait(bench, driver, remote.conn, make_pattern(round, 100), TT_SEND_COPY);
    bench.pump_until_quiet({&driver});
    while (!driver.arm()) driver.progress();
    peer.resume();
    bool armed = true;
    while (remote.conn.arrived < wanted) {
      expect(!armed || driver.sleep_strictly(bench.subject().patience) || driver.has_deadline(),
             "a packet from a second process: expected it to end the host's sleep, got no wake-up");
      while (driver.progress() != 0) {
      }
      armed = driver.arm();
    }
  }
}

}  // namespace

std::span<const Check> process_checks() {
  static constexpr std::array checks = {
      Check{"WhatComesFromOutsideEndsTheSleep",
            "Sleeping",
            0,
            outside_ends_the_sleep,
            {.peer_processes = 1}},
      Check{"AKilledPeerIsNoOrderlyClose", "Errors", 0, killed_peer, {.peer_processes = 2}},
      Check{"AConnectionNeverComesBack", "Connections", 0, never_comes_back, {.peer_processes = 2}},
      Check{"AStoppedPeerFillsNoMemory", "Flow", 0, stopped_peer, {.peer_processes = 1}},
      Check{"AProcessMayEndWithoutShutdown",
            "Shutdown",
            0,
            ends_without_shutdown,
            {.peer_processes = 1}},
  };
  return checks;
}

}  // namespace trestle::conformance
