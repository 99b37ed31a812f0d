// A node in this process with an honest client, for targets whose strangers need no kernel: after
// each input a call of the client has to succeed, and nothing of the stranger may be left.
#pragma once

#include <trestle/async.hpp>
#include <trestle/manual_driver.hpp>
#include <trestle/trestle.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "demand.hpp"
#include "trestle/test_support/raw_peer.hpp"

namespace trestle::fuzz {

/// Threads: one, which drives all.
class HonestListener {
 public:
  HonestListener() : server_(options_of(driver_)), client_(options_of(driver_)) {
    server_.add(unary("echo", [](Encoded in) { return in; }, {Execution::inline_})).value();
    uri_ = server_.listen("inproc://*").value();
    peer_ = client_.connect(uri_).value();
    settle();
  }

  /// Somebody new, who has said nothing.
  std::unique_ptr<test_support::RawPeer> stranger() {
    return std::make_unique<test_support::RawPeer>(driver_, uri_);
  }
  Node& server() { return server_; }

  void expect_service() const {
    const auto reply = peer_.call<int>("echo", 7);
    demand(reply.has_value() && *reply == 7, "an honest peer is served");
  }
  /// Once the stranger is gone.
  void expect_nothing_left() {
    settle();
    expect_service();
    demand(server_.counters().connections == 1, "nothing is left of a stranger");
    demand(server_.counters().calls_pending == 0, "no call waits for a stranger");
  }

  /// For what waits for a time.
  void advance(std::chrono::nanoseconds by) { driver_.advance(by); }

 private:
  static NodeOptions options_of(ManualDriver& driver) {
    NodeOptions options;
    options.driver = &driver;
    options.message_bytes_max = 1u << 20;
    options.log = [](LogLevel, std::string_view) {};
    return options;
  }
  void settle() {
    while (driver_.poll() != 0) {
    }
  }

  ManualDriver driver_;
  Node server_;
  Node client_;
  std::string uri_;
  Peer peer_;
};

/// What a packet of these frames is.
inline std::string packet_with(std::string_view frames) {
  return std::string("TRSL\1\0\0\0", 8) + std::string(frames);
}

}  // namespace trestle::fuzz
