// Batched handlers: when they run, on what, and what each message's sender is told.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TestNetwork;

/// Complete when `messages` are there, or after a second.
HandlerOptions batches_of(std::size_t messages) {
  return {.batch = {.messages_max = messages, .delay_max = 1s}};
}

class BatchedHandlers : public ::testing::Test {
 protected:
  /// Notes what each batch has.
  Handler noting(HandlerOptions options) {
    return am(
        "note", [this](const Batch<int>& batch) { batches.push_back(values_of(batch)); },
        std::move(options));
  }
  static std::vector<int> values_of(const Batch<int>& batch) {
    std::vector<int> values;
    for (const Batched<int>& one : batch) values.push_back(one.value);
    return values;
  }
  void send(int value) {
    peer.send("note", value).value();
    network.settle();
  }
  /// Calls that wait: outcomes[i] is that of the i-th.
  void call(const Peer& whom, const std::string& name, int value) {
    const std::size_t place = outcomes.size();
    outcomes.emplace_back(Error(Errc::no_reply, "none yet"));
    whom.async_call<int>(name, value,
                         [this, place](const Result<int>& outcome) { outcomes[place] = outcome; });
    network.settle();
  }

  std::vector<std::vector<int>> batches;
  std::vector<Result<int>> outcomes;
  TestNetwork network;
  Node& server = network.add_node({.spawn_queue_messages = 8});
  Node& client = network.add_node();
  Peer peer = client.connect(server.listen("inproc://*").value()).value();
};

TEST_F(BatchedHandlers, RunOnceAllMessagesAreThere) {
  server.add(noting(batches_of(3))).value();

  for (int value = 1; value <= 7; ++value) send(value);

  EXPECT_THAT(batches, ElementsAre(ElementsAre(1, 2, 3), ElementsAre(4, 5, 6)));
}

TEST_F(BatchedHandlers, RunSoLongAfterTheFirstMessage) {
  server.add(noting(batches_of(100))).value();
  send(1);
  network.advance(600ms);
  send(2);

  network.advance(400ms - 1ns);
  EXPECT_TRUE(batches.empty());
  network.advance(1ns);
  EXPECT_THAT(batches, ElementsAre(ElementsAre(1, 2)));

  send(3);
  network.advance(1s - 1ns);
  EXPECT_EQ(batches.size(), 1u) << "the next batch has its own time";
  network.advance(1ns);
  EXPECT_THAT(batches.back(), ElementsAre(3));
}

TEST_F(BatchedHandlers, WithoutADelayTakeWhatCameInOneTurn) {
  server.add(noting({.batch = {.delay_max = 0s}})).value();

  for (int value = 1; value <= 3; ++value) peer.send("note", value).value();
  network.settle();

  EXPECT_EQ(batches.size(), 1u);
}

TEST_F(BatchedHandlers, RunOnceTheBytesAreThere) {
  std::vector<std::size_t> sizes;
  server
      .add(am("note", [&](const Batch<Payload>& batch) { sizes.push_back(batch.size()); },
              {.batch = {.bytes_max = 1000, .delay_max = 1s}}))
      .value();
  const auto send_bytes = [&](std::size_t bytes) {
    peer.send("note", Payload::copy(std::string(bytes, 'x'))).value();
    network.settle();
  };

  for (int i = 0; i < 3; ++i) send_bytes(400);
  EXPECT_THAT(sizes, ElementsAre(2)) << "the third one did not fit";
  send_bytes(2000);
  EXPECT_THAT(sizes, ElementsAre(2, 1, 1)) << "one that is too large runs alone";
}

TEST_F(BatchedHandlers, GiveEachMessageItsOwnReply) {
  server
      .add(unary(
          "double",
          [](const Batch<int>& batch) {
            std::vector<int> replies;
            for (const auto& one : batch) replies.push_back(2 * one.value);
            return replies;
          },
          batches_of(3)))
      .value();

  for (int value : {1, 2, 3}) call(peer, "double", value);

  EXPECT_EQ(outcomes.at(0).value(), 2);
  EXPECT_EQ(outcomes.at(1).value(), 4);
  EXPECT_EQ(outcomes.at(2).value(), 6);
}

TEST_F(BatchedHandlers, RefuseSingleMessages) {
  server
      .add(unary(
          "odd",
          [](Batch<int> batch) {
            std::vector<Result<int>> replies;
            for (const auto& one : batch) {
              if (one.value % 2 == 0) {
                replies.emplace_back(refuse(std::to_string(one.value) + " is even"));
              } else {
                replies.emplace_back(one.value);
              }
            }
            return replies;
          },
          batches_of(2)))
      .value();

  for (int value : {1, 2}) call(peer, "odd", value);

  EXPECT_EQ(outcomes.at(0).value(), 1);
  EXPECT_EQ(outcomes.at(1).error().text, "2 is even");
}

TEST_F(BatchedHandlers, AcknowledgeEachMessage) {
  int ended = 0;
  std::vector<std::string> refusals;
  server
      .add(ack(
          "store",
          [](const Batch<std::string>& batch) {
            std::vector<Result<void>> ends(batch.size());
            ends.at(1) = refuse("not this one");
            return ends;
          },
          batches_of(3)))
      .value();

  for (const char* text : {"a", "b", "c"}) {
    peer.async_confirm("store", text, [&](const Result<void>& outcome) {
      ++ended;
      if (outcome.has_error()) refusals.push_back(outcome.error().text);
    });
  }
  network.settle();

  EXPECT_EQ(ended, 3);
  EXPECT_THAT(refusals, ElementsAre("not this one"));
}

TEST_F(BatchedHandlers, FailAllOfABatchWithAnException) {
  server
      .add(unary(
          "throw", [](const Batch<int>&) -> std::vector<int> { throw std::runtime_error("no"); },
          batches_of(2)))
      .value();

  for (int value : {1, 2}) call(peer, "throw", value);

  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome.error().text, "throw threw: no");
    EXPECT_EQ(outcome.error().ran, Ran::yes);
  }
  EXPECT_EQ(server.dispatch_counts().failed, 2u);
}

TEST_F(BatchedHandlers, FailAllOfABatchWithTheirError) {
  server
      .add(ack(
          "store", [](const Batch<int>&) -> Result<void> { return refuse("disk full"); },
          batches_of(2)))
      .value();

  std::vector<std::string> refusals;
  for (int value : {1, 2}) {
    peer.async_confirm("store", value, [&](const Result<void>& outcome) {
      refusals.push_back(outcome.error().text);
    });
  }
  network.settle();

  EXPECT_THAT(refusals, ElementsAre("disk full", "disk full"));
}

TEST_F(BatchedHandlers, MustGiveAsManyRepliesAsThereAreMessages) {
  server
      .add(unary(
          "few",
          [](const Batch<int>&) {
            return std::vector<int>{1, 2};
          },
          batches_of(3)))
      .value();

  for (int value : {1, 2, 3}) call(peer, "few", value);

  for (const auto& outcome : outcomes) {
    EXPECT_TRUE(outcome.error().is(Errc::handler_failed));
    EXPECT_EQ(outcome.error().text,
              "few gave 2 replies for a batch of 3 messages: there must be one for each");
  }
}

TEST_F(BatchedHandlers, TakeBytesAndTellWhoSentThem) {
  std::vector<std::string> texts;
  std::vector<InstanceId> senders;
  server
      .add(am(
          "bytes",
          [&](const Batch<BytesView>& batch) {
            for (const auto& one : batch) {
              texts.emplace_back(reinterpret_cast<const char*>(one.value.data()), one.value.size());
              senders.push_back(one.sender);
              EXPECT_EQ(one.headers.get("trace").value_or("none"), "7");
            }
          },
          batches_of(2)))
      .value();
  const Peer traced = peer.with({.headers = {{"trace", "7"}}});

  for (const char* text : {"a", "bc"}) traced.send("bytes", Payload::copy(text)).value();
  network.settle();

  EXPECT_THAT(texts, ElementsAre("a", "bc"));
  EXPECT_THAT(senders, ElementsAre(client.instance_id(), client.instance_id()));
}

TEST_F(BatchedHandlers, LeaveOutWhatTheyCannotRead) {
  server.add(noting(batches_of(3))).value();
  send(1);
  peer.send("note", "text").value();
  send(3);

  EXPECT_THAT(batches, ElementsAre(ElementsAre(1, 3)));
  EXPECT_EQ(server.dispatch_counts().refused, (RefusalCounts{.undecodable = 1}));
}

TEST_F(BatchedHandlers, DoNotRunOnWhatWasCancelled) {
  server
      .add(unary(
          "sizes",
          [](const Batch<int>& batch) {
            return std::vector<int>(batch.size(), static_cast<int>(batch.size()));
          },
          batches_of(3)))
      .value();
  std::stop_source stop;
  call(peer.with({.stop = stop.get_token()}), "sizes", 1);
  call(peer, "sizes", 2);
  stop.request_stop();
  network.settle();

  call(peer, "sizes", 3);
  EXPECT_TRUE(outcomes.at(2).has_error()) << "there is room for one more";
  call(peer, "sizes", 4);

  EXPECT_TRUE(outcomes.at(0).error().is(Errc::cancelled));
  EXPECT_EQ(outcomes.at(1).value(), 3);
  EXPECT_EQ(server.dispatch_counts().refused, (RefusalCounts{.cancelled = 1}));
}

TEST_F(BatchedHandlers, BeginAnewOnceAllWereCancelled) {
  server
      .add(ack(
          "store", [&](const Batch<int>& batch) { batches.push_back(values_of(batch)); },
          batches_of(100)))
      .value();
  std::stop_source stop;
  const auto ignore = [](const Result<void>&) {};
  peer.with({.stop = stop.get_token()}).async_confirm("store", 1, ignore);
  network.settle();

  stop.request_stop();
  network.advance(600ms);
  peer.async_confirm("store", 2, ignore);
  network.settle();

  network.advance(600ms);
  EXPECT_TRUE(batches.empty()) << "a second after the first that is still there";
  network.advance(400ms);
  EXPECT_THAT(batches, ElementsAre(ElementsAre(2)));
}

TEST_F(BatchedHandlers, DoNotRunOnWhatExpired) {
  server
      .add(unary(
          "sizes",
          [](const Batch<int>& batch) {
            return std::vector<int>(batch.size(), static_cast<int>(batch.size()));
          },
          batches_of(100)))
      .value();
  call(peer.with_timeout(500ms), "sizes", 1);
  call(peer, "sizes", 2);

  network.advance(2s);

  EXPECT_TRUE(outcomes.at(0).error().is(Errc::deadline_exceeded));
  EXPECT_EQ(outcomes.at(1).value(), 1);
  EXPECT_EQ(server.dispatch_counts().refused.total(), 1u);
}

TEST_F(BatchedHandlers, HoldNoMoreThanMayWait) {
  server.add(noting(batches_of(100))).value();
  for (int value = 1; value <= 8; ++value) send(value);

  send(9);

  EXPECT_EQ(server.dispatch_counts().refused, (RefusalCounts{.overloaded = 1}));
  network.advance(1s);
  EXPECT_EQ(batches.at(0).size(), 8u);
  send(10);
  network.advance(1s);
  EXPECT_THAT(batches.back(), ElementsAre(10)) << "there is room again";
}

TEST_F(BatchedHandlers, RunOneAfterTheOtherIfTheirLimitSaysSo) {
  std::atomic<int> running{0};
  int peak = 0;
  HandlerOptions options = batches_of(2);
  options.concurrency_max = 1;
  server
      .add(unary(
          "nested",
          [&](const Batch<int>& batch) {
            peak = std::max(peak, ++running);
            network.settle();  // whatever could run runs now
            --running;
            return std::vector<int>(batch.size(), 0);
          },
          options))
      .value();

  for (int value = 0; value < 6; ++value) {
    peer.async_call<int>("nested", value, [](const Result<int>&) {});
  }
  network.settle();

  EXPECT_EQ(peak, 1);
}

TEST_F(BatchedHandlers, GiveReceiptsFirst) {
  server
      .add(ack(
          "store", [](const Batch<int>&) {}, batches_of(2)))
      .value();
  auto first = peer.message("store").payload(1).detach_receipt().send().value();
  auto wrong = peer.message("store").payload("text").detach_receipt().send().value();

  auto delivered = std::move(first).await_delivery().value();
  EXPECT_THAT(delivered.contract().request_type, "int32");
  EXPECT_TRUE(std::move(wrong).await_delivery().error().is(Errc::undecodable));
  EXPECT_TRUE(std::move(delivered).await_ack().has_value());
}

TEST_F(BatchedHandlers, RunWhatTheyHaveWhenTheirNodeCloses) {
  server.add(noting(batches_of(100))).value();
  send(1);
  send(2);

  EXPECT_TRUE(server.close().has_value());

  EXPECT_THAT(batches, ElementsAre(ElementsAre(1, 2)));
}

TEST_F(BatchedHandlers, RefuseWhatWaitsTooLongForTheClose) {
  std::vector<Reply<int>> held;
  Node& busy = network.add_node({.concurrency_max = 1});
  busy.add(unary("hold", [&](Reply<int> reply) { held.push_back(std::move(reply)); })).value();
  busy.add(unary(
               "sizes", [](const Batch<int>& batch) { return std::vector<int>(batch.size(), 0); },
               batches_of(2)))
      .value();
  const Peer there = client.connect(busy.listen("inproc://*").value()).value();
  call(there, "hold", 0);
  for (int value : {1, 2, 3}) call(there, "sizes", value);

  EXPECT_TRUE(busy.close().has_error());
  network.settle();

  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(outcomes.at(i).error().is(Errc::draining)) << outcomes[i].error();
    EXPECT_EQ(outcomes.at(i).error().ran, Ran::no);
  }
  EXPECT_EQ(busy.dispatch_counts().refused, (RefusalCounts{.draining = 3}));
}

TEST_F(BatchedHandlers, RunAlsoOnceTheyWereRemoved) {
  server.add(noting(batches_of(100))).value();
  send(1);
  server.remove("note").value();

  network.advance(1s);

  EXPECT_THAT(batches, ElementsAre(ElementsAre(1)));
}

TEST_F(BatchedHandlers, CannotBeAddedWithOptionsThatMakeNoSense) {
  HandlerOptions lane = batches_of(2);
  lane.lane = Lane::per_sender();

  EXPECT_THAT(server.add(noting(batches_of(0))).error().text,
              HasSubstr("'note' takes batches of 0 messages"));
  EXPECT_THAT(server.add(noting(lane)).error().text, HasSubstr("'note' takes batches, whose"));
}

TEST(BatchedHandlersOnThreads, TakeEveryMessageOnce) {
  constexpr int callers = 4;
  constexpr int calls = 250;
  std::atomic<std::size_t> messages{0};
  std::atomic<std::size_t> runs{0};
  Node server({.workers = 3});
  server
      .add(unary("next",
                 [&](const Batch<int>& batch) {
                   ++runs;
                   messages += batch.size();
                   std::vector<int> replies;
                   for (const auto& one : batch) replies.push_back(one.value + 1);
                   return replies;
                 },
                 {.batch = {.messages_max = 4, .delay_max = 1ms}}))
      .value();
  const std::string uri = server.listen("inproc://*").value();
  std::vector<std::thread> threads;
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&] {
      Node client;
      const Peer peer = client.connect(uri).value();
      for (int i = 0; i < calls; ++i) ASSERT_EQ(peer.call<int>("next", i).value(), i + 1);
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(messages, 1000u);
  EXPECT_GE(runs, 250u);
  EXPECT_EQ(server.dispatch_counts().refused.total(), 0u);
}

}  // namespace
}  // namespace trestle
