// Driving several transports from one thread, and cleaning up after a check.
#include "bench.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "inner_plugins.hpp"
#include "loaded_plugin.hpp"
#include "pattern.hpp"

namespace trestle::conformance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds quiet_span{20};

/// What checks send without asking whether it fits.
constexpr std::uint64_t packet_bytes_at_least = 200;

std::uint32_t drain(const Bench::Drivers& drivers) {
  std::uint32_t events = 0;
  for (Driver* driver : drivers) {
    if (!driver->is_destroyed()) events += driver->progress();
  }
  return events;
}

/// True if something ended the sleep, or there was no reason to sleep.
bool sleep_all(const Bench::Drivers& drivers, std::chrono::milliseconds bound) {
  std::vector<pollfd> fds;
  for (Driver* driver : drivers) {
    if (driver->is_destroyed()) continue;
    if (!driver->arm()) return true;
    if (!driver->can_sleep()) bound = std::min(bound, std::chrono::milliseconds(1));
    bound = std::min(bound, driver->until_deadline());
    fds.push_back({driver->host().wake_fd(), POLLIN, 0});
    fds.push_back({driver->attributes().wait_fd, POLLIN, 0});
  }
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(bound.count()));
  for (Driver* driver : drivers) driver->host().consume_wake();
  return ready > 0;
}

const char* name_of_cap(std::uint64_t cap) {
  switch (cap) {
    case TT_CAP_LISTEN:
      return "TT_CAP_LISTEN";
    case TT_CAP_CONNECT:
      return "TT_CAP_CONNECT";
    case TT_CAP_LOSS_NOTICE:
      return "TT_CAP_LOSS_NOTICE";
    case TT_CAP_TX_BORROW:
      return "TT_CAP_TX_BORROW";
    case TT_CAP_RX_HOLD:
      return "TT_CAP_RX_HOLD";
    case TT_CAP_RX_PAUSE:
      return "TT_CAP_RX_PAUSE";
    default:
      return "another capability";
  }
}

}  // namespace

void skip_without(std::uint64_t required, const Subject& subject) {
  Bench probe(subject);
  const tt_attr attributes = probe.open().attributes();
  const std::uint64_t caps = attributes.caps;
  const std::uint64_t largest = attributes.max_msg;
  probe.finish();
  for (std::uint64_t cap = 1; cap != 0; cap <<= 1) {
    if ((required & cap) != 0 && (caps & cap) == 0) {
      throw Skipped{std::string("the transport does not declare ") + name_of_cap(cap)};
    }
  }
  if ((required & TT_CAP_CONNECT) != 0 && largest != 0 && largest < packet_bytes_at_least) {
    throw Skipped{"checks send packets of " + std::to_string(packet_bytes_at_least) +
                  " bytes, and the transport's largest has " + std::to_string(largest) +
                  " (max_msg)"};
  }
}

Bench::Bench(const Subject& subject, const Needs& needs) : subject_(subject), needs_(needs) {
  for (unsigned i = 0; i < needs.peer_processes; ++i) {
    peers_.push_back(std::make_unique<PeerProcess>(subject));
  }
}

const tt_plugin& Bench::plugin() {
  if (plugin_ == nullptr) plugin_ = &load_plugin(subject_.plugin_path, subject_.scheme);
  return *plugin_;
}

PeerProcess& Bench::peer(std::size_t number) {
  if (reach_of(subject_, plugin(), subject_.scheme) == TT_REACH_PROCESS) {
    throw Skipped{"the scheme reaches this process only (TT_REACH_PROCESS)"};
  }
  return *peers_.at(number);
}

Driver& Bench::open(const OpenOptions& options) {
  drivers_.push_back(std::make_unique<Driver>(plugin(), subject_, options));
  return *drivers_.back();
}

Driver& Bench::open_of(const tt_plugin& plugin, const Subject& subject) {
  drivers_.push_back(std::make_unique<Driver>(plugin, subject, OpenOptions{}));
  return *drivers_.back();
}

Bench::Drivers Bench::living() const {
  Drivers drivers;
  for (const auto& driver : drivers_) {
    if (!driver->is_destroyed()) drivers.push_back(driver.get());
  }
  return drivers;
}

void Bench::pump_until(const std::function<bool()>& done, const std::string& what) {
  pump_until(living(), done, what);
}

void Bench::pump_until(const Drivers& drivers, const std::function<bool()>& done,
                       const std::string& what) {
  const auto give_up = Clock::now() + subject_.patience;
  while (!done()) {
    const bool idle = drain(drivers) == 0;
    expect_no_complaints();
    if (done()) return;
    if (!idle) continue;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - Clock::now());
    if (left.count() <= 0) {
      fail("expected " + what + " within " + std::to_string(subject_.patience.count()) +
           " s, got nothing");
    }
    sleep_all(drivers, left);
  }
}

bool Bench::pump_until_quiet(const Drivers& drivers, const std::function<bool()>& done) {
  const auto give_up = Clock::now() + subject_.patience;
  bool quiet = false;
  while (!quiet && !done()) {
    expect(Clock::now() < give_up,
           "expected the transports to become quiet, got events or wake-ups without end");
    quiet = drain(drivers) == 0 && !sleep_all(drivers, quiet_span);
    expect_no_complaints();
  }
  return done();
}

void Bench::expect_no_complaints() const {
  for (const auto& driver : drivers_) {
    for (const Violation& broken : driver->violations()) fail(broken);
    for (const Violation& broken : driver->host().violations()) fail(broken);
    if (needs_.warnings == Warnings::provoked) continue;
    for (const std::string& text : driver->host().complaints()) {
      fail(Violation{&rules::quiet_log, text});
    }
  }
}

void Bench::finish() {
  for (Driver* driver : living()) {
    for (const auto& conn : driver->connections()) {
      for (Arrival& arrival : conn->arrivals) driver->release(arrival);
    }
  }
  for (Driver* driver : living()) {
    if (!driver->was_shut_down()) driver->shutdown();
  }
  for (Driver* driver : living()) {
    pump_until([&] { return driver->is_down(); }, "DOWN after shutdown()");
  }
  for (Driver* driver : living()) {
    expect_equal("events after DOWN", 0u, driver->progress());
    for (const auto& conn : driver->connections()) {
      if (!conn->freed) driver->free(*conn);
    }
    expect_status("destroy with nothing left", TT_OK, driver->destroy());
    expect_equal("bytes from alloc() that did not come back by destroy()", 0,
                 driver->host().allocated_bytes());
  }
  expect_no_complaints();
}

Ends connect_ends(Bench& bench, Driver& server, Driver& client, Listener& listener,
                  const std::string& uri) {
  const std::size_t before = listener.accepted.size();
  Connection& out = client.connect(uri);
  bench.pump_until(
      {&server, &client},
      [&] { return (out.up && listener.accepted.size() > before) || out.closed; },
      "CONNECTED and ACCEPTED for " + uri);
  expect(!out.closed, "connect " + uri + ": expected CONNECTED, got CLOSED: " + out.closed_text);
  return {*listener.accepted.back(), out};
}

Pair connect_pair(Bench& bench, const OpenOptions& server_options,
                  const OpenOptions& client_options) {
  Driver& server = bench.open(server_options);
  Driver& client = bench.open(client_options);
  Listener& listener = server.listen(bench.subject().listen_uri);
  const std::string uri = server.uri_of(listener);
  const Ends ends = connect_ends(bench, server, client, listener, uri);
  return {server, client, listener, uri, ends.in, ends.out};
}

SendResult send_or_wait(Bench& bench, Driver& driver, Connection& conn,
                        std::span<const std::byte> bytes, std::uint32_t flags) {
  while (true) {
    const unsigned writables = conn.writables;
    const SendResult result = driver.send(conn, bytes, flags);
    if (result.status == TT_OK || result.status == TT_PENDING) return result;
    if (result.status != TT_E_AGAIN) fail("send: got " + name_of_status(result.status));
    bench.pump_until([&] { return conn.writables > writables || conn.closed; },
                     "WRITABLE after TT_E_AGAIN");
  }
}

void expect_packet(Bench& bench, Connection& conn, std::uint64_t number, std::size_t size) {
  bench.pump_until([&] { return !conn.arrivals.empty() || conn.closed; },
                   "packet " + std::to_string(number) + " of " + std::to_string(size) + " bytes");
  const std::string packet = "packet " + std::to_string(number);
  expect(!conn.arrivals.empty(), packet + ": expected it, got CLOSED: " + conn.closed_text);
  const Arrival arrival = std::move(conn.arrivals.front());
  conn.arrivals.pop_front();
  expect_equal("length of " + packet, size, arrival.bytes.size());
  expect(is_pattern(number, arrival.bytes), packet + ": expected its bytes, got others");
  expect(arrival.rx == nullptr, "the kit lost a held packet");
}

void expect_closed(Bench& bench, Connection& conn, tt_status status, const std::string& whose) {
  bench.pump_until([&] { return conn.closed; }, "CLOSED on " + whose);
  expect_status("CLOSED on " + whose + " (\"" + conn.closed_text + "\")", status,
                conn.closed_status);
}

}  // namespace trestle::conformance
