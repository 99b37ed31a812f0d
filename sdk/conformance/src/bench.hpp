// What a check works with: drivers for the plugin under test, and waiting with a watchdog.
#pragma once

#include <trestle/conformance/check.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver.hpp"
#include "failure.hpp"
#include "peer_process.hpp"

namespace trestle::conformance {

/// Threads: one, the check's own, unless a function says otherwise.
class Bench {
 public:
  /// Forks the peer processes that the check needs.
  explicit Bench(const Subject& subject, const Needs& needs = {});

  const Subject& subject() const { return subject_; }
  /// Loads it when asked for the first time.
  const tt_plugin& plugin();
  /// Errors: Skipped, if the scheme does not reach other processes.
  PeerProcess& peer(std::size_t number);
  /// For a peer that this process does not connect with.
  PeerProcess& peer_of_any_reach(std::size_t number) { return *peers_.at(number); }

  /// A transport of its own for each call; lives as long as the bench.
  Driver& open(const OpenOptions& options = {});
  /// The same, of another plugin, as `subject` says how to reach it.
  Driver& open_of(const tt_plugin& plugin, const Subject& subject);

  /// Drives `drivers` (all, if none are given) until `done`. Errors: Failed with `what` once the
  /// subject's patience is over, or with the first violation of the contract.
  using Drivers = std::vector<Driver*>;
  void pump_until(const std::function<bool()>& done, const std::string& what);
  void pump_until(const Drivers& drivers, const std::function<bool()>& done,
                  const std::string& what);
  /// Drives until nothing has happened for a moment, or `done`; returns what `done` says last.
  bool pump_until_quiet(
      const Drivers& drivers, const std::function<bool()>& done = [] { return false; });

  /// Fails if any driver has seen a violation or heard a complaint.
  void expect_no_complaints() const;

  /// Closes, releases, frees and destroys all that the check left.
  void finish();

 private:
  Drivers living() const;

  const Subject subject_;
  const Needs needs_;
  const tt_plugin* plugin_ = nullptr;
  std::vector<std::unique_ptr<PeerProcess>> peers_;
  std::vector<std::unique_ptr<Driver>> drivers_;
};

/// Opens a transport to see what it declares. Errors: Skipped, if a capability is missing, or its
/// packets are too small for checks that need a connection.
void skip_without(std::uint64_t required_caps, const Subject& subject);

/// Two transports with a connection between them.
struct Pair {
  Driver& server;
  Driver& client;
  Listener& listener;
  std::string uri;
  Connection& in;   ///< the accepted end
  Connection& out;  ///< the connected end
};

Pair connect_pair(Bench& bench, const OpenOptions& server = {}, const OpenOptions& client = {});

/// Connects `client` to the listener at `uri` and drives until both ends are up.
struct Ends {
  Connection& in;
  Connection& out;
};
Ends connect_ends(Bench& bench, Driver& server, Driver& client, Listener& listener,
                  const std::string& uri);

/// Sends, driving all transports while the answer is TT_E_AGAIN. Fails on any other error.
SendResult send_or_wait(Bench& bench, Driver& driver, Connection& conn,
                        std::span<const std::byte> bytes, std::uint32_t flags = 0);

/// Waits for the next packet on `conn` and fails unless it is pattern `number` of `size` bytes.
void expect_packet(Bench& bench, Connection& conn, std::uint64_t number, std::size_t size);

/// Waits for CLOSED and fails unless `status` is why.
void expect_closed(Bench& bench, Connection& conn, tt_status status, const std::string& whose);

}  // namespace trestle::conformance
