// What waits for more to leave with, and when it leaves: send_delay_bytes.
#include <gtest/gtest.h>
#include <trestle/trestle.hpp>

#include <chrono>
#include <string>

namespace trestle {
namespace {

using namespace std::chrono_literals;

/// Large enough that the message takes no short cut to its packet, and small enough to share one.
constexpr std::size_t payload_bytes = 5000;

/// Two nodes with threads. What was sent leaves by its amount alone, as the delay does not end.
class DelayedRig {
 public:
  explicit DelayedRig(std::size_t send_delay_bytes)
      : client_({.heartbeat = 0s,
                 .send_delay_max = 24h * 365,
                 .send_delay_bytes = send_delay_bytes,
                 .log = [](LogLevel, std::string_view) {}}) {
    server_.add(ack("sink", [this](BytesView) { ++received_; }, {.execution = Execution::inline_}))
        .value();
    server_.add(unary("received", [this] { return received_; }, {.execution = Execution::inline_}))
        .value();
    peer_ = client_.connect(server_.listen("inproc://*").value()).value();
    EXPECT_TRUE(peer_.confirm("sink", payload(payload_bytes)).has_value()) << "it has a number now";
    received_on_the_way();
  }

  void send(std::size_t bytes = payload_bytes) { peer_.send("sink", payload(bytes)).value(); }
  std::uint64_t unsent() const { return client_.statistics().transports.at(0).bytes_unsent; }
  /// Asks the peer; whoever blocks takes along what waits.
  int received_on_the_way() { return peer_.call<int>("received").value(); }

 private:
  static Payload payload(std::size_t bytes) { return Payload::copy(std::string(bytes, 'x')); }

  int received_ = 0;
  Node server_;
  Node client_;
  Peer peer_;
};

/// What two messages that wait are together.
std::size_t bytes_of_two() {
  DelayedRig rig(1u << 20);
  rig.send();
  rig.send();
  return rig.unsent();
}

TEST(SendDelay, EndsOnceThereAreAsManyBytes) {
  DelayedRig rig(bytes_of_two());

  rig.send();
  EXPECT_GT(rig.unsent(), payload_bytes);
  rig.send();

  EXPECT_EQ(rig.unsent(), 0u);
}

TEST(SendDelay, GoesOnWhileThereIsOneByteLess) {
  const std::size_t two = bytes_of_two();
  DelayedRig rig(two + 1);

  rig.send();
  rig.send();
  EXPECT_EQ(rig.unsent(), two);
  rig.send();

  EXPECT_EQ(rig.unsent(), 0u);
  EXPECT_EQ(rig.received_on_the_way(), 1 + 3);
}

TEST(SendDelay, OfZeroBytesIsNone) {
  DelayedRig rig(0);

  rig.send();

  EXPECT_EQ(rig.unsent(), 0u);
}

TEST(SendDelay, OfSmallMessagesEndsOnceThereAreAsManyBytes) {
  DelayedRig rig(5000);
  for (int i = 0; i < 4; ++i) rig.send(1000);
  EXPECT_GT(rig.unsent(), 4000u);

  rig.send(1000);

  EXPECT_EQ(rig.unsent(), 0u);
}

}  // namespace
}  // namespace trestle
