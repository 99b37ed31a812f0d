// Cancelling what real workers run: a raw peer on the test's thread, a node on its own.
#include <gtest/gtest.h>
#include <trestle/trestle.hpp>

#include <algorithm>
#include <atomic>
#include <latch>
#include <map>
#include <random>
#include <thread>

#include "trestle/test_support/raw_peer.hpp"

namespace trestle {
namespace {

class ThreadedCancellation : public ::testing::Test {
 protected:
  static wire::CallId call(std::uint32_t slot) { return wire::CallId::make(slot, 1); }
  static wire::Request request(std::uint32_t slot, std::string_view name) {
    wire::Request request{.call = call(slot), .mode = DeliveryMode::with_response};
    request.handler_name = name;
    return request;
  }
  void count_outcomes() {
    raw->settle();
    for (const auto& ack : raw->take<wire::Ack>()) ++outcomes[ack.call.slot()];
    for (const auto& nack : raw->take<wire::Nack>()) {
      ++outcomes[nack.call.slot()];
      codes[nack.call.slot()] = nack.code;
    }
  }
  void await_outcomes(std::size_t count) {
    while (outcomes.size() < count) {
      count_outcomes();
      std::this_thread::yield();
    }
  }
  void start(NodeOptions options) {
    options.log = [](LogLevel, std::string_view) {};
    server.emplace(std::move(options));
  }
  void connect() {
    raw.emplace(driver, server->listen("inproc://*").value());
    raw->greet();
    while (raw->take<wire::Hello>().empty()) raw->settle();
  }

  ManualDriver driver;
  std::optional<Node> server;
  std::optional<test_support::RawPeer> raw;
  std::map<std::uint32_t, int> outcomes;
  std::map<std::uint32_t, Errc> codes;
};

TEST_F(ThreadedCancellation, GivesThePlaceInTheQueueOfTheWorkersBack) {
  std::latch busy(1);
  std::latch release(1);
  std::atomic<int> runs{0};
  start({.workers = 1, .spawn_queue_messages = 1});
  server
      ->add(unary("block",
                  [&] {
                    if (++runs == 1) busy.count_down();
                    release.wait();
                  }))
      .value();
  connect();
  raw->send(request(1, "block"));
  busy.wait();
  raw->send(request(2, "block"), request(3, "block"));
  await_outcomes(1);
  ASSERT_EQ(codes.at(3), Errc::overloaded);

  raw->send(wire::Cancel{call(2)});
  await_outcomes(2);
  raw->send(request(4, "block"), request(5, "block"));
  await_outcomes(3);

  EXPECT_EQ(codes.at(2), Errc::cancelled);
  EXPECT_EQ(codes.at(5), Errc::overloaded) << "the fourth has the place of the second";
  release.count_down();
  await_outcomes(5);
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(codes.contains(1) || codes.contains(4));
}

TEST_F(ThreadedCancellation, RacesWithHandlersAndLeavesOneOutcomeEach) {
  constexpr std::uint32_t requests = 2000;
  std::atomic<std::uint32_t> ran{0};
  std::atomic<std::uint32_t> stopped{0};
  start({.workers = 2});
  const auto run = [&](Context& context) {
    ++ran;
    const std::stop_callback count(context.stop_token(), [&] { ++stopped; });
    std::this_thread::yield();
  };
  server->add(unary("spawn", run)).value();
  server->add(unary("serial", run, {.concurrency_max = 1})).value();
  connect();
  std::mt19937 random(25);
  for (std::uint32_t slot = 1; slot <= requests; ++slot) {
    wire::Request sent = request(slot, random() % 2 == 0 ? "spawn" : "serial");
    sent.wants_accepted = random() % 4 == 0;
    if (random() % 4 == 0) sent.mode = DeliveryMode::with_receipt_and_response;
    raw->send(sent);
    if (random() % 2 == 0)
      raw->send(wire::Cancel{call(1 + static_cast<std::uint32_t>(random() % slot))});
    raw->send(wire::Cancel{call(slot)});
    if (slot % 16 == 0) await_outcomes(slot);
  }
  await_outcomes(requests);

  EXPECT_TRUE(std::ranges::all_of(outcomes, [](const auto& o) { return o.second == 1; }));
  const auto cancelled =
      std::ranges::count_if(codes, [](const auto& c) { return c.second == Errc::cancelled; });
  EXPECT_EQ(codes.size(), static_cast<std::size_t>(cancelled)) << "nothing else was refused";
  EXPECT_EQ(ran + static_cast<std::uint32_t>(cancelled), requests);
  EXPECT_TRUE(server->close().has_value());
}

TEST_F(ThreadedCancellation, OfWhatNobodyWaitsForComesWithTheCloseOfTheNode) {
  std::latch running(1);
  bool could_stop = false;
  start({.workers = 1, .close_timeout = std::chrono::milliseconds(20)});
  const auto wait = [&](const Context& context) {
    const std::stop_token stop = context.stop_token();
    could_stop = stop.stop_possible();
    std::latch stopped(1);
    const std::stop_callback on_stop(stop, [&] { stopped.count_down(); });
    running.count_down();
    if (could_stop) stopped.wait();
  };
  server->add(am("wait", [wait](Context& context) { wait(context); })).value();
  ASSERT_TRUE(server->peer(server->instance_id()).send("wait"));
  running.wait();

  const auto closed = server->close();

  EXPECT_TRUE(could_stop);
  EXPECT_TRUE(closed.error().is(Errc::deadline_exceeded)) << closed.error().text;
}

}  // namespace
}  // namespace trestle
