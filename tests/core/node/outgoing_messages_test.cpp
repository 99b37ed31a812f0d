// How far senders of messages run ahead of what leaves: send_ahead_bytes.
#include "node/outgoing_calls.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "peers/connection_rig.hpp"
#include "peers/peer_link.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;

/// A node without turns: it counts who waits, and does meanwhile what a test says.
struct WaitingHost final : CallHost, engine::Turns {
  Result<peers::Connection*> route(detail::PeerLink& link, TimePoint) override {
    return link.connections.at(0).get();
  }
  Result<void> may_wait_here() const override { return {}; }
  bool wait(engine::Lock& lock, engine::Waiter& waiter) override {
    ++waits;
    lock.unlock();
    if (meanwhile) meanwhile(waiter);
    return true;
  }
  bool is_in_turn() const override { return false; }
  void flush_outputs() override {}
  void flush_all() override {}
  void flush_soon(const peers::Connection&, TimePoint) override { flush(); }
  void flush_full(peers::Connection&, TimePoint) override { flush(); }
  std::vector<Payload>& spent_payloads() override { return spent; }
  void drop_spent(engine::Lock&) override { spent.clear(); }
  void complete_soon(std::shared_ptr<detail::CallState>) override {}
  void complete_soon(std::unique_ptr<detail::PlainCall>) override {}
  bool is_undriven() const override { return false; }
  bool is_closing() const override { return false; }
  void log(LogLevel, std::string) override {}
  std::size_t turn(engine::Lock&) override { return 0; }
  bool must_be_led() const override { return false; }

  int waits = 0;
  std::function<void(engine::Waiter&)> meanwhile;
  std::function<void()> flush;
  std::vector<Payload> spent;
};

/// Messages to a peer whose transport takes as many packets as the test says.
class SendAhead : public peers::ConnectionRig {
 protected:
  SendAhead() {
    host_.flush = [this] { flush(); };
    link_->connections.push_back(connection_);
    options_.send_ahead_bytes = 1u << 30;
    send_large();  // the first one names the handler
    fake_.sends_left = 0;
    send_large();
    each_ = connection_->unsent_bytes();
    leave(1);
    EXPECT_EQ(connection_->unsent_bytes(), 0u);
  }
  ~SendAhead() override { link_->connections.clear(); }

  CallTarget target() { return {link_, "h", DeliveryMode::fire_and_forget, call_options_}; }
  /// What makes a sender wait, if there is much before it.
  void send_large() {
    const std::string payload(64 * 1024, 'x');
    EXPECT_TRUE(calls_.admit(target(), {Codec::bytes, Payload::copy(payload)}).has_value());
  }
  void send_small() {
    const std::string payload(1000, 'x');
    EXPECT_TRUE(calls_.admit_small(target(), Codec::bytes, as_bytes(payload)).has_value());
  }
  /// The transport takes so many more packets.
  void leave(int packets) {
    fake_.sends_left = packets;
    fake_.writable(conn());
    turn();
    calls_.on_flushed();
  }

  WaitingHost host_;
  NodeOptions options_;
  const CallOptions call_options_;
  engine::Leadership leadership_{engine_, host_, Spin::off};
  dispatch::WorkerPool pool_{0, 1};
  OutgoingCalls calls_{host_, options_, engine_, leadership_, pool_};
  const peers::PeerLinkPtr link_ = std::make_shared<detail::PeerLink>(nullptr);
  const std::shared_ptr<peers::Connection> connection_ = open();
  std::size_t each_ = 0;  // what a large message adds to the unsent bytes
};

TEST_F(SendAhead, OfAsMuchAsItMayBeWaitsForNothing) {
  options_.send_ahead_bytes = 3 * each_;

  for (int i = 0; i < 3; ++i) send_large();

  EXPECT_EQ(connection_->unsent_bytes(), options_.send_ahead_bytes);
  EXPECT_EQ(host_.waits, 0);
}

TEST_F(SendAhead, OfOneByteMoreWaits) {
  options_.send_ahead_bytes = 3 * each_ - 1;

  for (int i = 0; i < 2; ++i) send_large();
  EXPECT_EQ(host_.waits, 0);
  send_large();

  EXPECT_EQ(host_.waits, 1);
}

TEST_F(SendAhead, GoesOnOnceNoMoreThanHalfIsLeft) {
  options_.send_ahead_bytes = 4 * each_;
  for (int i = 0; i < 4; ++i) send_large();
  std::vector<bool> done;
  host_.meanwhile = [&](const engine::Waiter& waiter) {
    for (const int packets : {2, 1}) {
      leave(packets);
      done.push_back(waiter.is_done());
    }
  };

  send_large();

  EXPECT_EQ(connection_->unsent_bytes(), 2 * each_);
  EXPECT_EQ(done, (std::vector<bool>{false, true}));
}

TEST_F(SendAhead, WaitsOnWhileAByteMoreThanHalfIsLeft) {
  options_.send_ahead_bytes = 4 * each_ - 1;
  for (int i = 0; i < 3; ++i) send_large();
  std::vector<bool> done;
  host_.meanwhile = [&](const engine::Waiter& waiter) {
    for (const int packets : {2, 1}) {
      leave(packets);
      done.push_back(waiter.is_done());
    }
  };

  send_large();

  EXPECT_EQ(host_.waits, 1);
  EXPECT_EQ(done, (std::vector<bool>{false, true})) << "two left are a byte too many, one is not";
}

TEST_F(SendAhead, WaitsForTenMillisecondsAtMost) {
  options_.send_ahead_bytes = each_ - 1;
  std::vector<bool> done;
  host_.meanwhile = [&](const engine::Waiter& waiter) {
    for (const std::chrono::nanoseconds time : {10ms - 1ns, 1ns}) {
      advance(time);
      done.push_back(waiter.is_done());
    }
  };

  send_large();

  EXPECT_EQ(connection_->unsent_bytes(), each_);
  EXPECT_EQ(done, (std::vector<bool>{false, true}));
}

TEST_F(SendAhead, OfSmallMessagesWaitsWhenTheyHaveFilledAPacket) {
  options_.send_ahead_bytes = 10'000;

  for (int i = 0; i < 60; ++i) send_small();
  EXPECT_GT(connection_->unsent_bytes(), options_.send_ahead_bytes);
  EXPECT_EQ(host_.waits, 0);
  for (int i = 0; i < 10; ++i) send_small();

  EXPECT_EQ(host_.waits, 1);
}

TEST_F(SendAhead, OfZeroNeverWaits) {
  options_.send_ahead_bytes = 0;

  for (int i = 0; i < 5; ++i) send_large();

  EXPECT_EQ(host_.waits, 0);
}

TEST_F(SendAhead, NeverWaitsWhereSendersFailInstead) {
  options_.send_ahead_bytes = 1;
  options_.when_full = WhenFull::fail;

  for (int i = 0; i < 5; ++i) send_large();

  EXPECT_EQ(host_.waits, 0);
}

TEST_F(SendAhead, NeverWaitsInANodeThatIsDrivenByHand) {
  ManualDriver driver;
  options_.send_ahead_bytes = 1;
  options_.driver = &driver;

  for (int i = 0; i < 5; ++i) send_large();

  EXPECT_EQ(host_.waits, 0);
}

}  // namespace
}  // namespace trestle
