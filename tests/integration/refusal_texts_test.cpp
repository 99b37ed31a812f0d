// What people read when a message is refused: whole texts, here and from the peer.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "failing_message.hpp"
#include "trestle/test_support/raw_peer.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using test_support::FailingMessage;
using test_support::RawPeer;
using ::testing::ElementsAre;

std::string of(const Error& error) {
  return std::string(to_string(static_cast<Errc>(error.code.value()))) + ": " + error.text;
}
template <class T>
std::string of(const Result<T>& outcome) {
  return of(outcome.error());
}

// ---- Refused here -------------------------------------------------------------------------------

TEST(RefusalTexts, OfMessagesWithoutAPeerSayWhereToGetOne) {
  FailingMessage rig;
  const auto message = rig.client.message("NAME");
  const std::string missing = "no_target: target must be set before ";

  EXPECT_EQ(of(message.execute()), missing + "execute()");
  EXPECT_EQ(of(message.send()), missing + "send()");
  EXPECT_EQ(of(message.send_detached()), missing + "send_detached()");
  EXPECT_EQ(of(message.expect_response<int>().send()), missing + "send()");
  EXPECT_EQ(of(message.expect_response<int>().execute()), missing + "execute()");
  EXPECT_EQ(of(message.detach_receipt().send()), missing + "send()");
  EXPECT_EQ(of(message.detach_receipt().expect_bytes_response().send_with_response()),
            missing + "send_with_response()");
  EXPECT_EQ(of(Peer().call<int>("NAME")),
            "no_target: this Peer is empty: take one from Node::connect() or Node::peer() before "
            "calling");
}

TEST(RefusalTexts, OfBadNamesSayWhatIsWrong) {
  FailingMessage rig;

  EXPECT_EQ(of(rig.peer.send("")), "invalid_argument: a call needs a handler name");
  EXPECT_EQ(of(rig.peer.confirm(std::string(1025, 'n'))),
            "name_too_long: handler name of 1025 bytes, the limit is 1024");
  EXPECT_EQ(of(rig.peer.call<int>("_discover")),
            "reserved_name: '_discover' is a system handler: use the function of Peer that stands "
            "for it, such as list_handlers()");
}

TEST(RefusalTexts, OfBadHandlersSayWhatIsWrong) {
  FailingMessage rig;
  rig.serve(am("NAME", [] {}));

  EXPECT_EQ(of(rig.server.add(am("", [] {}))), "invalid_argument: a handler needs a name");
  EXPECT_EQ(of(rig.server.add(am(std::string(1025, 'n'), [] {}))),
            "name_too_long: handler name of 1025 bytes, the limit is 1024");
  EXPECT_EQ(of(rig.server.add(am("_mine", [] {}))),
            "reserved_name: cannot register '_mine': names that start with '_' are the system's");
  EXPECT_EQ(of(rig.server.add(am("NAME", [] {}))),
            "handler_exists: Handler 'NAME' already registered");
  EXPECT_EQ(of(rig.server.add(Handler{.name = "none"})),
            "invalid_argument: handler 'none' has no function");
  EXPECT_EQ(of(rig.server.remove("none")), "handler_not_found: Handler 'none' is not registered");
  EXPECT_EQ(of(rig.server.remove("_discover")),
            "reserved_name: cannot remove '_discover': names that start with '_' are the system's");
  rig.server.close().value();
  EXPECT_EQ(of(rig.server.add(am("late", [] {}))),
            "shut_down: cannot add 'late': this node was closed");
}

TEST(RefusalTexts, OfPayloadsAndHeadersNameTheLimit) {
  FailingMessage rig({.message_bytes_max = 10'000});

  EXPECT_EQ(of(rig.peer.send("NAME", Payload::copy(std::string(10'000, 'x')))),
            "payload_too_large: payload of 10000 bytes for handler 'NAME' makes a frame of 10040 "
            "bytes, the peer takes at most 10000 bytes (its message_bytes_max)");
  EXPECT_EQ(of(rig.peer.with_header("", "x").confirm("NAME")),
            "invalid_argument: a header has no name");
  EXPECT_EQ(of(rig.peer.message("NAME").payload(1).codec(Codec::json).execute()),
            "invalid_argument: codec() must be set before payload(), which encodes");
}

TEST(RefusalTexts, OfFullTablesAndQueuesNameTheLimit) {
  FailingMessage rig({}, {.calls_max = 1, .queue_bytes_max = 1000, .when_full = WhenFull::fail});
  rig.serve_later();
  const auto first = rig.detached();

  EXPECT_EQ(of(rig.peer.call<int>("NAME")),
            "too_many_calls: too many calls outstanding on this connection: 1 of calls_max 1");
  rig.within_a_turn([&] {
    const Payload large = Payload::copy(std::string(900, 'x'));
    EXPECT_TRUE(rig.peer.send("NAME", large).has_value());
    EXPECT_EQ(
        of(rig.peer.send("NAME", large)),
        "queue_full: send queue full: 940 bytes wait on this connection, queue_bytes_max is 1000");
  });
}

TEST(RefusalTexts, OfWhatIsOverSayThatNothingWasSent) {
  FailingMessage rig;
  std::stop_source stop;
  stop.request_stop();
  rig.network.advance(2s);

  EXPECT_EQ(of(rig.peer.with_stop(stop.get_token()).send("NAME")),
            "cancelled: call of 'NAME': its stop token was stopped before, nothing was sent");
  EXPECT_EQ(of(rig.peer.with_deadline(TimePoint(1s)).send("NAME")),
            "deadline_exceeded: call of 'NAME': its deadline was over before, nothing was sent");
  rig.client.close().value();
  EXPECT_EQ(of(rig.peer.send("NAME")), "shut_down: this node was closed");
}

TEST(RefusalTexts, OfASecondWaitSayThatThereWasOne) {
  FailingMessage rig;
  rig.serve(unary("NAME", [] { return 1; }));
  auto call = rig.detached();
  EXPECT_TRUE(std::move(call).await_response().has_value());

  EXPECT_EQ(of(std::move(call).await_response()),  // NOLINT(bugprone-use-after-move)
            "invalid_argument: this call is over: it was moved from, or its outcome was taken "
            "already");
}

// ---- Refused there ------------------------------------------------------------------------------

TEST(RefusalTexts, OfFullLinesNameTheLimit) {
  FailingMessage rig({.spawn_queue_messages = 0});
  rig.serve_later();
  const auto first = rig.detached();
  rig.serve(unary("batched", [](Batch<int> batch) { return std::vector<int>(batch.size()); }));

  EXPECT_EQ(of(rig.peer.call<int>("NAME")),
            "overloaded: the line for handler 'NAME' is full: 0 waiting, the limit is 0 "
            "(spawn_queue_messages)");
  EXPECT_EQ(of(rig.peer.call<int>("batched", 1)),
            "overloaded: the line for handler 'batched' is full: 0 waiting, the limit is 0 "
            "(spawn_queue_messages)");
}

TEST(RefusalTexts, OfNodesThatCloseSaySo) {
  FailingMessage rig;
  rig.serve_later();
  auto running = rig.detached();
  auto waiting = rig.detached();
  rig.network.settle();
  std::optional<Result<int>> late;
  rig.server.after(
      1s, [&] { rig.peer.async_call<int>("NAME", [&](Result<int> outcome) { late = outcome; }); });

  static_cast<void>(rig.server.close());

  EXPECT_EQ(of(std::move(waiting).await_response()),
            "draining: the peer is shutting down, and had no time left for messages that wait "
            "(close_timeout)");
  EXPECT_EQ(of(late.value()), "draining: the peer is shutting down");
}

TEST(RefusalTexts, OfRepliesThatAreTooLargeNameTheCallersLimit) {
  FailingMessage rig({}, {.message_bytes_max = 10'000});
  rig.serve(unary("NAME", [] { return Payload::copy(std::string(20'000, 'x')); }));

  EXPECT_EQ(of(rig.peer.call<Payload>("NAME")),
            "payload_too_large: the reply makes a frame of 20024 bytes, the caller takes at most "
            "10000 bytes (its message_bytes_max)");
}

TEST(RefusalTexts, OfRepliesThatDoNotDecodeSayWhere) {
  FailingMessage rig;
  rig.serve(unary("NAME", [] { return std::vector<std::string>{"text"}; }));

  EXPECT_EQ(of(rig.peer.call<std::vector<int>>("NAME")),
            "bad_reply: cannot decode the reply: element '[0]': expected integer, got string");
}

/// To "NAME", from a peer that keeps to no window and has no deadline of its own.
wire::Request request(std::uint32_t number, std::uint32_t deadline_ms = 0) {
  return {.call = wire::CallId::make(number, 1),
          .handler = 1,
          .mode = DeliveryMode::with_response,
          .deadline_ms = deadline_ms,
          .handler_name = number == 0 ? "NAME" : ""};
}

std::vector<std::string> refusals(RawPeer& raw) {
  std::vector<std::string> texts;
  for (const wire::Nack& nack : raw.take<wire::Nack>()) {
    texts.push_back(of(Error(nack.code, std::string(nack.text))));
  }
  return texts;
}

TEST(RefusalTexts, OfMoreRequestsThanTheWindowNameTheLimit) {
  FailingMessage rig({.requests_max = 1});
  rig.serve_later();
  RawPeer raw(rig.network.driver(), rig.uri);
  raw.greet();

  raw.send(request(0), request(1));

  EXPECT_THAT(refusals(raw), ElementsAre("overloaded: the outcomes of 1 requests of this "
                                         "connection are not known yet (requests_max)"));
}

TEST(RefusalTexts, OfMessagesFoundTooLateSaySo) {
  FailingMessage rig;
  rig.serve(unary("NAME",
                  [&] {
                    rig.network.clock().advance(600ms);
                    return 1;
                  },
                  {.execution = Execution::inline_}));
  RawPeer raw(rig.network.driver(), rig.uri);
  raw.greet();

  raw.send(request(0, 500), request(1, 500));

  EXPECT_THAT(refusals(raw), ElementsAre("deadline_exceeded: the message came too late"));
}

TEST(RefusalTexts, OfRepliesThatNobodyReadsNameTheLimit) {
  const auto refused = [](const NodeOptions& options) {
    FailingMessage rig(options);
    rig.serve(unary("NAME", [] { return Payload::copy(std::string(3000, 'x')); },
                    {.execution = Execution::inline_}));
    RawPeer raw(rig.network.driver(), rig.uri);
    raw.greet();
    raw.send(request(0), request(1));  // one turn: nothing leaves before its end
    return refusals(raw);
  };
  const std::string dropped =
      "queue_full: the reply of 3024 bytes was dropped: 3032 bytes wait to "
      "be read, ";

  EXPECT_THAT(refused({.queue_bytes_max = 2000}), ElementsAre(dropped + "queue_bytes_max is 2000"));
  EXPECT_THAT(refused({.unsent_bytes_max = 6000}),
              ElementsAre(dropped + "more than is left for all connections; unsent_bytes_max is "
                                    "6000"));
}

TEST(RefusalTexts, OfWorkersThatAllWaitSaySo) {
  Node node({.workers = 1, .log = [](LogLevel, std::string_view) {}});
  Peer self;
  node.add(unary("again", [&self] { return self.call<int>("again"); })).value();
  self = node.connect(node.listen("inproc://*").value()).value();

  EXPECT_EQ(of(self.call<int>("again")),
            "overloaded: every worker waits for a call of its own, and no more may be started: "
            "refused rather than deadlocked");
}

// ---- No outcome ---------------------------------------------------------------------------------

TEST(RefusalTexts, OfCallsWithoutAnOutcomeNameHandlerAndPeer) {
  FailingMessage rig;
  rig.serve_later();
  const std::string call = "call of 'NAME' at " + to_string(rig.peer.instance_id()) + ": ";

  EXPECT_EQ(of(rig.peer.with_timeout(1s).call<int>("NAME")),
            "deadline_exceeded: " + call + "no outcome before the deadline");
  EXPECT_EQ(of(rig.peer.with_timeout(1s).call<int>("NAME")),
            "deadline_exceeded: " + call + "the message waited too long");
  auto cancelled = rig.detached();
  EXPECT_TRUE(cancelled.cancel());
  EXPECT_EQ(of(std::move(cancelled).await_response()),
            "cancelled: " + call + "cancelled by the caller");
  auto lost = rig.detached();
  rig.peer.disconnect();
  EXPECT_EQ(of(std::move(lost).await_response()),
            "connection_lost: " + call + "disconnected by this node");
}

}  // namespace
}  // namespace trestle
