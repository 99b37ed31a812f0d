// A client in this process, a server in another one, and what each outcome has to be like.
#pragma once

#include <gtest/gtest.h>
#include <trestle/async.hpp>
#include <trestle/trestle.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "child_process.hpp"

namespace trestle::faults {

using namespace std::chrono_literals;

/// How fast the tests' hearts beat, and how long everything may take.
inline constexpr auto heartbeat = 200ms;
inline constexpr auto dead_after = 600ms;
/// From the death of a peer until its callers know, when nothing else keeps this machine busy, and
/// as much again where something does.
inline constexpr auto detection_max = dead_after + 2 * heartbeat + 2500ms;
inline constexpr auto recovery_max = 2s;

/// One call and its outcome.
using Outcome = std::future<Result<Payload>>;

/// Tallies outcomes: each call must end, in one of the ways that a loss allows.
struct Tally {
  int sent = 0;
  int completed = 0;
  int failed = 0;

  void expect_end(Outcome& outcome);
};

/// Threads: one.
class FaultRig : public ::testing::Test {
 protected:
  /// Starts the server; where one was before, at the same address.
  void start_server(const std::string& uri, const std::string& instance = "-",
                    std::chrono::milliseconds beat = heartbeat);
  void kill_server() { server_->kill(); }
  ChildProcess& server() { return *server_; }
  /// Connects, unless nobody answers in time.
  void connect();

  Outcome call(const std::string& handler, const Payload& argument = Payload());
  Outcome fill(int bytes);
  /// Calls until one succeeds; how long that took.
  std::optional<std::chrono::nanoseconds> recover(std::chrono::nanoseconds at_most);
  void expect_recovery();
  /// Waits for the event that the peer is gone.
  void expect_gone();
  /// Waits for nothing to happen for so long.
  void expect_peace(std::chrono::nanoseconds time);

  static NodeOptions client_options();

  Node client{client_options()};
  PeerEvents events = client.peer_events();
  Peer peer;
  std::string uri_;
  Tally tally;

 private:
  std::unique_ptr<ChildProcess> server_;
};

}  // namespace trestle::faults
