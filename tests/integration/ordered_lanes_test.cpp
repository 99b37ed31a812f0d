// Lanes: the messages of one run in order, one after the other; lanes run beside each other.
#include <gtest/gtest.h>
#include <trestle/coroutine.hpp>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using testing::TestNetwork;

HandlerOptions in(Lane lane) {
  return {.lane = std::move(lane)};
}

class OrderedLanes : public ::testing::Test {
 protected:
  /// Notes each message, and holds it until it is answered.
  Handler holding(std::string name, HandlerOptions options) {
    return unary(
        std::move(name),
        [this](std::string text, Reply<int> reply) {
          order.push_back(text);
          held.push_back(std::move(reply));
        },
        std::move(options));
  }
  Peer new_peer() { return network.add_node(client_options).connect(uri).value(); }
  void answer(std::size_t index) {
    held.at(index)(0);
    network.settle();
  }

  std::vector<std::string> order;
  std::vector<Reply<int>> held;
  std::vector<std::string> log;
  TestNetwork network;
  const NodeOptions client_options{};
  Node& server = network.add_node({.log = [this](LogLevel level, std::string_view line) {
    if (level == LogLevel::warning) log.emplace_back(line);
  }});
  const std::string uri = server.listen("inproc://*").value();
  const Peer peer = new_peer();
};

TEST_F(OrderedLanes, OfASenderRunOneAfterTheOther) {
  server.add(holding("write", in(Lane::per_sender()))).value();
  const Peer other = new_peer();

  for (const char* text : {"a1", "a2"}) peer.send("write", text).value();
  for (const char* text : {"b1", "b2"}) other.send("write", text).value();
  network.settle();

  EXPECT_EQ(order, (std::vector<std::string>{"a1", "b1"})) << "each sender has a lane of its own";
  answer(1);
  EXPECT_EQ(order, (std::vector<std::string>{"a1", "b1", "b2"}));
  answer(0);
  EXPECT_EQ(order, (std::vector<std::string>{"a1", "b1", "b2", "a2"}));
  answer(2);
  answer(3);
}

TEST_F(OrderedLanes, OfASenderSpanHandlers) {
  server.add(holding("open", in(Lane::per_sender()))).value();
  server.add(holding("close", in(Lane::per_sender()))).value();
  server.add(holding("status", in(Lane::per_sender("status")))).value();

  for (const char* name : {"open", "close", "status"}) peer.send(name, name).value();
  network.settle();

  EXPECT_EQ(order, (std::vector<std::string>{"open", "status"})) << "lanes of another name";
  answer(0);
  EXPECT_EQ(order.back(), "close");
  answer(1);
  answer(2);
}

TEST_F(OrderedLanes, ThatAreSharedHoldForAllSenders) {
  server.add(holding("read", in(Lane::shared("disk")))).value();
  server.add(holding("write", in(Lane::shared("disk")))).value();
  server.add(holding("print", in(Lane::shared("printer")))).value();
  const Peer other = new_peer();

  peer.send("read", "read").value();
  network.settle();
  other.send("write", "write").value();
  other.send("print", "print").value();
  network.settle();

  EXPECT_EQ(order, (std::vector<std::string>{"read", "print"}));
  answer(0);
  EXPECT_EQ(order.back(), "write");
  answer(1);
  answer(2);
}

TEST_F(OrderedLanes, HoldForInlineHandlersToo) {
  server.add(holding("write", {.execution = Execution::inline_, .lane = Lane::per_sender()}))
      .value();

  for (const char* text : {"1", "2"}) peer.send("write", text).value();
  network.settle();

  EXPECT_EQ(order, std::vector<std::string>{"1"});
  answer(0);
  EXPECT_EQ(order.back(), "2");
  answer(1);
}

TEST_F(OrderedLanes, RefuseWhatIsBeyondTheirDepth) {
  Lane lane = Lane::shared("disk");
  lane.waiting_max = 2;
  server.add(holding("write", in(lane))).value();
  for (int i = 0; i < 3; ++i) peer.send("write", "fits").value();
  network.settle();

  const auto refused = peer.call<int>("write", "too much");

  EXPECT_TRUE(refused.error().is(Errc::overloaded));
  EXPECT_EQ(refused.error().text,
            "lane 'disk' is full: 2 waiting, the limit is 2 (Lane::waiting_max of handler "
            "'write')");
  EXPECT_EQ(refused.error().ran, Ran::no);
  answer(0);
  peer.send("write", "again").value();
  network.settle();
  for (std::size_t i = 1; i < 4; ++i) answer(i);
  EXPECT_EQ(order.back(), "again") << "there is room again";
}

TEST_F(OrderedLanes, NameTheSenderWhoseLaneIsFull) {
  Lane lane = Lane::per_sender();
  lane.waiting_max = 0;
  server.add(holding("write", in(lane))).value();
  Node& client = network.add_node();
  const Peer other = client.connect(uri).value();
  other.send("write", "fits").value();
  network.settle();

  const auto refused = other.call<int>("write", "too much");

  EXPECT_NE(refused.error().text.find("sender " + to_string(client.instance_id())),
            std::string::npos)
      << refused.error();
  answer(0);
}

TEST_F(OrderedLanes, WarnOfTheirDepthOnceAndTakeMore) {
  Lane lane = Lane::shared("disk");
  lane.waiting_max = 1;
  lane.when_full = LaneFull::warn;
  server.add(holding("write", in(lane))).value();

  for (int i = 0; i < 5; ++i) peer.send("write", "text").value();
  network.settle();
  for (std::size_t i = 0; i < 5; ++i) answer(i);

  EXPECT_EQ(order.size(), 5u);
  EXPECT_EQ(log,
            std::vector<std::string>{"lane 'disk' is full: 1 waiting, the limit is 1 "
                                     "(Lane::waiting_max of handler 'write'); more are taken"});
}

TEST_F(OrderedLanes, GoOnAfterErrorsAndExceptions) {
  int runs = 0;
  server
      .add(ack(
          "fail",
          [&]() -> Result<void> {
            if (++runs == 2) throw std::runtime_error("no");
            return refuse("no");
          },
          in(Lane::per_sender())))
      .value();
  server
      .add(unary(
          "drop", [&](Reply<int>) { ++runs; }, in(Lane::per_sender())))
      .value();

  EXPECT_TRUE(peer.confirm("fail").has_error());
  EXPECT_TRUE(peer.confirm("fail").has_error());
  EXPECT_TRUE(peer.call<int>("drop").error().is(Errc::no_reply));
  EXPECT_TRUE(peer.confirm("fail", "what it does not take").has_error());

  EXPECT_EQ(runs, 4);
}

TEST_F(OrderedLanes, GoOnAfterAMessageThatCannotBeRead) {
  server
      .add(ack(
          "number", [](int) {}, in(Lane::per_sender())))
      .value();

  EXPECT_TRUE(peer.confirm("number", "text").error().is(Errc::undecodable));
  EXPECT_TRUE(peer.confirm("number", 1).has_value());
}

TEST_F(OrderedLanes, AreHeldByCoroutinesUntilTheyEnd) {
  std::vector<std::string> steps;
  server
      .add(am(
          "slow",
          [&](std::string text) -> boost::asio::awaitable<void> {
            steps.push_back(text + " begins");
            // Behind whatever else waits for a worker.
            co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                                       boost::asio::use_awaitable);
            steps.push_back(text + " ends");
          },
          in(Lane::per_sender())))
      .value();

  for (const char* text : {"1", "2"}) peer.send("slow", text).value();
  network.settle();

  EXPECT_EQ(steps, (std::vector<std::string>{"1 begins", "1 ends", "2 begins", "2 ends"}));
}

TEST_F(OrderedLanes, LetGoOfCancelledMessages) {
  server.add(holding("write", in(Lane::per_sender()))).value();
  peer.send("write", "1").value();
  std::stop_source stop;
  server.after(1s, [&] { stop.request_stop(); });

  EXPECT_TRUE(peer.with({.stop = stop.get_token()}).call<int>("write", "2").has_error());
  peer.send("write", "3").value();
  network.settle();
  answer(0);

  EXPECT_EQ(order, (std::vector<std::string>{"1", "3"}));
  answer(1);
}

TEST_F(OrderedLanes, AreForgottenWhenIdleForHalfAMinute) {
  server.add(holding("write", in(Lane::per_sender()))).value();
  const Peer other = new_peer();
  peer.send("write", "1").value();
  other.send("write", "2").value();
  network.settle();
  answer(0);
  EXPECT_EQ(server.dispatch_counts().lanes, 2u);

  network.advance(30s - 1ns);
  EXPECT_EQ(server.dispatch_counts().lanes, 2u);
  network.advance(1ns);
  EXPECT_EQ(server.dispatch_counts().lanes, 1u) << "the other one is in use";

  peer.send("write", "3").value();
  network.settle();
  EXPECT_EQ(order.back(), "3");
  EXPECT_EQ(server.dispatch_counts().lanes, 2u);
  answer(1);
  network.advance(30s);
  EXPECT_EQ(server.dispatch_counts().lanes, 1u);
  answer(2);
}

TEST_F(OrderedLanes, AreNotForgottenWhileTheyAreUsed) {
  server.add(holding("write", in(Lane::per_sender()))).value();
  for (std::size_t i = 0; i < 5; ++i) {
    peer.send("write", "text").value();
    network.settle();
    answer(i);
    network.advance(20s);
  }

  EXPECT_EQ(server.dispatch_counts().lanes, 1u);
}

TEST_F(OrderedLanes, ComeBeforeTheLimitOfTheHandler) {
  server.add(holding("write", {.concurrency_max = 1, .lane = Lane::per_sender()})).value();
  const Peer other = new_peer();
  for (const char* text : {"a1", "a2"}) peer.send("write", text).value();
  network.settle();
  other.send("write", "b1").value();
  network.settle();

  answer(0);

  EXPECT_EQ(order, (std::vector<std::string>{"a1", "b1"})) << "a2 came to the handler after b1";
  answer(1);
  answer(2);
  EXPECT_EQ(order.back(), "a2");
}

TEST(OrderedLanesOnThreads, KeepTheOrderOfEachSenderAndOverlap) {
  constexpr int senders = 3;
  constexpr int messages = 1000;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<InstanceId, std::vector<int>> seen;
  int done = 0;
  Node server({.workers = 4});
  server
      .add(am(
          "count",
          [&](const int& number, const Context& context) {
            std::unique_lock lock(mutex);
            seen[context.sender].push_back(number);
            changed.notify_all();
            // The first of each sender stays until all are in here: only lanes that run beside
            // each other get past this.
            if (number == 0) changed.wait(lock, [&] { return seen.size() == senders; });
            if (++done == senders * messages) changed.notify_all();
          },
          in([] {
            Lane lane = Lane::per_sender();
            lane.waiting_max = messages;
            return lane;
          }())))
      .value();
  const std::string uri = server.listen("inproc://*").value();
  std::vector<std::thread> threads;
  for (int i = 0; i < senders; ++i) {
    threads.emplace_back([&] {
      Node client;
      const Peer peer = client.connect(uri).value();
      for (int number = 0; number < messages; ++number) peer.send("count", number).value();
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return done == senders * messages; });
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(seen.size(), 3u);
  for (const auto& [sender, numbers] : seen) {
    ASSERT_EQ(numbers.size(), 1000u);
    for (int number = 0; number < messages; ++number) {
      ASSERT_EQ(numbers[static_cast<std::size_t>(number)], number) << to_string(sender);
    }
  }
}

}  // namespace
}  // namespace trestle
