// URIs: refused with text when bad, round-tripped when good; who may listen where.
#include <algorithm>
#include <array>
#include <chrono>

#include "../bench.hpp"
#include "../pattern.hpp"
#include "../raw_peer.hpp"
#include "checks.hpp"

namespace trestle::conformance {
namespace {

void expect_refused(Driver& driver, const std::string& uri, const std::string& named) {
  for (const ColdResult& result : {driver.try_listen(uri), driver.try_connect(uri)}) {
    expect_status("\"" + uri + "\"", TT_E_ADDR, result.status);
    expect(!result.text.empty(), "\"" + uri + "\": expected a text, got none");
    expect(result.text.find(named) != std::string::npos,
           "\"" + uri + "\": expected a text naming \"" + named + "\", got: " + result.text);
  }
}

void refuses_malformed(Bench& bench) {
  Driver& driver = bench.open();
  const std::string& scheme = bench.subject().scheme;

  std::vector<std::string> uris = {"",
                                   scheme,
                                   scheme + ":",
                                   scheme + ":/",
                                   scheme + "://",
                                   scheme + "://%zz",
                                   "no-such-scheme://x"};
  const auto& own = bench.subject().bad_uris;
  uris.insert(uris.end(), own.begin(), own.end());

  for (const std::string& uri : uris) expect_refused(driver, uri, "");
}

void refuses_unknown_option(Bench& bench) {
  Driver& driver = bench.open();
  const std::string uri = bench.subject().listen_uri;
  const std::string separator = uri.find('?') == std::string::npos ? "?" : "&";

  expect_refused(driver, uri + separator + "no_such_option=1", "no_such_option");
}

void listener_uri_connects(Bench& bench) {
  const Pair pair = connect_pair(bench);

  send_or_wait(bench, pair.client, pair.out, make_pattern(1, 10), TT_SEND_COPY);

  expect_packet(bench, pair.in, 1, 10);
  expect(pair.uri.starts_with(bench.subject().scheme + "://"),
         "listener_uri: expected the listener's scheme, got " + pair.uri);
  const tt_conn_info info = pair.client.describe(pair.out);
  expect_equal("peer_uri of the connecting end", pair.uri, std::string(info.peer_uri));
}

void short_buffer_is_too_big(Bench& bench) {
  Driver& driver = bench.open();
  Listener& listener = driver.listen(bench.subject().listen_uri);
  const std::string needed = std::to_string(driver.uri_of(listener).size() + 1);

  for (const std::size_t room : {std::size_t{0}, std::size_t{1}, std::stoul(needed) - 1}) {
    const ColdResult result = driver.read_listener_uri(listener, room);

    expect_status("listener_uri with " + std::to_string(room) + " bytes", TT_E_TOOBIG,
                  result.status);
    expect_equal("size that listener_uri asks for", needed, result.text);
  }
  expect_status("listener_uri with just enough room", TT_OK,
                driver.read_listener_uri(listener, std::stoul(needed)).status);
}

void address_in_use(Bench& bench) {
  const Pair pair = connect_pair(bench);
  Driver& third = bench.open();

  for (Driver* driver : {&pair.server, &third}) {
    const ColdResult again = driver->try_listen(pair.uri);
    expect_status("listening again on " + pair.uri, TT_E_ADDRINUSE, again.status);
    expect(!again.text.empty(), "TT_E_ADDRINUSE: expected a text, got none");
  }

  const Ends ends = connect_ends(bench, pair.server, pair.client, pair.listener, pair.uri);
  send_or_wait(bench, pair.client, ends.out, make_pattern(2, 20), TT_SEND_COPY);
  expect_packet(bench, ends.in, 2, 20);
}

void expect_connect_refused(Bench& bench, Driver& client, const std::string& uri) {
  Connection& conn = client.connect(uri);
  expect_closed(bench, conn, TT_E_REFUSED, "a connection to " + uri + ", where nobody listens");
  expect(!conn.up, "a refused connection: expected no CONNECTED, got one");
  expect(!conn.closed_text.empty(), "a refused connection: expected a reason, got none");
}

void refused_later(Bench& bench) {
  Driver& server = bench.open();
  Driver& client = bench.open();
  Listener& listener = server.listen(bench.subject().listen_uri);
  const std::string uri = server.uri_of(listener);
  server.unlisten(listener);
  bench.pump_until([&] { return listener.gone; }, "UNLISTENED");

  expect_connect_refused(bench, client, uri);
}

void unlisten_keeps_connections(Bench& bench) {
  const Pair pair = connect_pair(bench);

  pair.server.unlisten(pair.listener);
  bench.pump_until([&] { return pair.listener.gone; }, "UNLISTENED");

  send_or_wait(bench, pair.client, pair.out, make_pattern(3, 30), TT_SEND_COPY);
  expect_packet(bench, pair.in, 3, 30);
  expect_connect_refused(bench, pair.client, pair.uri);
  Listener& again = pair.server.listen(pair.uri);
  connect_ends(bench, pair.server, pair.client, again, pair.uri);
}

/// Lets time pass until `conn` is closed: on the host's clock where the transport waits by it, on
/// the real one where its library does.
void pass_time(Bench& bench, Driver& client, const Connection& conn) {
  constexpr std::chrono::nanoseconds longest = std::chrono::minutes(10);
  const std::string what = "CLOSED of a connect that nobody answers";
  const std::uint64_t limit = client.host().now_ns() + static_cast<std::uint64_t>(longest.count());
  const auto give_up = std::chrono::steady_clock::now() + bench.subject().patience;
  while (!conn.closed) {
    while (client.progress() != 0 || !client.arm()) {
      expect(std::chrono::steady_clock::now() < give_up,
             "a connect that nobody answers: expected the host to sleep, got no end of events");
    }
    if (conn.closed || !client.has_deadline()) break;
    const std::uint64_t now = client.host().now_ns();
    expect(now < limit, what + ": expected it within 10 minutes of the host's clock, got none");
    const std::uint64_t left = std::max(client.deadline_ns(), now + 1) - now;
    client.host().advance(std::chrono::nanoseconds(static_cast<std::int64_t>(left)));
  }
  bench.expect_no_complaints();
  bench.pump_until(
      {&client}, [&] { return conn.closed; }, what);
}

void nobody_answers(Bench& bench) {
  const Pair pair = connect_pair(bench);
  const auto like = socket_address_of(pair.uri);
  if (!like)
    throw Skipped{"no listener of the kit's own can be silent at an address like " + pair.uri};
  const SilentPlace silent(*like);
  const std::string uri = bench.subject().scheme + "://" + silent.name();
  Driver& client = bench.open({.clock = ClockKind::manual});

  Connection& waiting = client.connect(uri);
  Connection& aborted = client.connect(uri);
  const Ends other = connect_ends(bench, pair.server, client, pair.listener, pair.uri);
  send_or_wait(bench, client, other.out, make_pattern(1, 100), TT_SEND_COPY);
  expect_packet(bench, other.in, 1, 100);
  client.close(aborted, TT_CLOSE_ABORT);
  bench.pump_until([&] { return aborted.closed; }, "CLOSED after an abort of a connect");
  pass_time(bench, client, waiting);

  expect(!waiting.up, "a connect that nobody answers: expected no CONNECTED, got one");
  expect(waiting.closed_status == TT_E_TIMEDOUT || waiting.closed_status == TT_E_UNREACHABLE ||
             waiting.closed_status == TT_E_REFUSED,
         "CLOSED of a connect that nobody answers: expected TT_E_TIMEDOUT, got " +
             name_of_status(waiting.closed_status) + ": " + waiting.closed_text);
  expect(!waiting.closed_text.empty(),
         "CLOSED of a connect that nobody answers: expected a reason, got none");
  expect(!other.out.closed, "a connect that nobody answers: expected others to live, got CLOSED");
}

}  // namespace

std::span<const Check> address_checks() {
  static constexpr std::array checks = {
      Check{"MalformedUrisAreRefusedAtOnceWithText", "Addresses", 0, refuses_malformed},
      Check{"AnUnknownOptionIsRefusedByName", "Addresses", 0, refuses_unknown_option},
      Check{"ListenerUriConnectsVerbatim", "Addresses", 0, listener_uri_connects},
      Check{"ListenerUriInAShortBufferSaysWhatItNeeds",
            "Addresses",
            TT_CAP_LISTEN,
            short_buffer_is_too_big,
            {.traffic = Traffic::none}},
      Check{"AnAddressInUseStaysWithItsFirstListener", "Addresses", 0, address_in_use},
      Check{"ConnectingWhereNobodyListensIsRefusedLater", "Addresses", 0, refused_later},
      Check{"AConnectThatNobodyAnswersEnds", "Addresses", 0, nobody_answers},
      Check{"UnlistenKeepsConnectionsAndRefusesNewOnes", "Addresses", 0,
            unlisten_keeps_connections},
  };
  return checks;
}

}  // namespace trestle::conformance
