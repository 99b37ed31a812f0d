// A stranger's bytes at a node that listens: whatever they are, an honest peer is served next, and
// nothing of the stranger is left once it is gone.
#include <trestle/manual_driver.hpp>
#include <trestle/trestle.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "demand.hpp"
#include "stranger.hpp"
#include "stranger_input.hpp"

namespace {

using namespace trestle;
using fuzz::demand;
using hostile::Stranger;

/// What no peer can make a node log: more than one line, or what a terminal obeys.
void check_line(std::string_view line) {
  for (const char c : line) {
    demand(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a line of log is printable");
  }
}

NodeOptions options_of(ManualDriver& driver) {
  NodeOptions options;
  options.driver = &driver;
  options.message_bytes_max = 1u << 20;
  options.handshake_timeout = std::chrono::milliseconds(100);
  options.log_interval = {};
  options.log = [](LogLevel, std::string_view line) { check_line(line); };
  return options;
}

/// A server, an honest peer, and the one thread that drives both.
class Besieged {
 public:
  Besieged() : server_(options_of(driver_)), client_(options_of(driver_)) {
    using Tree = std::map<std::string, std::vector<int>>;
    const auto echo = [](Encoded in) { return in; };
    const auto count = [](const Tree& tree) { return tree.size(); };
    server_.add(unary("echo", echo, {Execution::inline_})).value();
    server_.add(unary("count", count)).value();
    server_.add(am("swallow", [](const Payload&) {})).value();
    uri_ = server_.listen("unix://*").value();
    peer_ = client_.connect(uri_).value();
  }

  void suffer(const fuzz::StrangerInput& input) {
    {
      const Stranger stranger(uri_);
      demand(stranger.is_connected(), "who comes is let in");
      if (input.greets) say(stranger, hostile::greeting());
      say(stranger, input.bytes);
      expect_service(peer_);
      if (input.brings_newcomer) expect_newcomer_is_served();
    }
    while (driver_.poll() != 0) {
    }
    demand(server_.counters().connections == 1, "nothing is left of a stranger");
    demand(server_.counters().calls_pending == 0, "the server calls nobody");
  }

 private:
  void say(const Stranger& stranger, std::string_view bytes) {
    stranger.say(bytes);
    while (driver_.poll() != 0) {
    }
  }

  static void expect_service(const Peer& peer) {
    const auto reply = peer.call<int>("echo", 7);
    demand(reply.has_value() && *reply == 7, "an honest peer is served");
  }

  void expect_newcomer_is_served() {
    Node newcomer(options_of(driver_));
    const auto peer = newcomer.connect(uri_);
    demand(peer.has_value(), "an honest newcomer is let in");
    expect_service(*peer);
  }

  ManualDriver driver_;
  Node server_;
  Node client_;
  std::string uri_;
  Peer peer_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Never destroyed: what is still there at the end is no leak.
  static Besieged& besieged = *new Besieged;
  besieged.suffer(fuzz::StrangerInput::read({reinterpret_cast<const char*>(data), size}));
  return 0;
}
