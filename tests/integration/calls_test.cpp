// Calls between two nodes of a test network: what is sent, what comes back, when they end.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <boost/describe/class.hpp>
#include <map>
#include <set>

#include "peers/connection.hpp"
#include "trestle/test_support/two_nodes.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct Question {
  std::string text;
  int times = 0;
};
BOOST_DESCRIBE_STRUCT(Question, (), (text, times))

struct Answer {
  std::vector<std::string> lines;
};
BOOST_DESCRIBE_STRUCT(Answer, (), (lines))

Answer repeat(const Question& question) {
  return {std::vector<std::string>(static_cast<std::size_t>(question.times), question.text)};
}

using Calls = test_support::TwoNodes;

TEST_F(Calls, CarryDescribedStructsBothWays) {
  server.add(unary("repeat", &repeat)).value();

  const auto answer = peer.call<Answer>("repeat", Question{"again", 3});

  EXPECT_EQ(answer.value().lines, (std::vector<std::string>{"again", "again", "again"}));
}

TEST_F(Calls, BuildTheirArgumentInPlace) {
  server.add(unary("repeat", &repeat)).value();

  EXPECT_EQ(peer.call<Answer>("repeat", in_place<Question>, "once", 1).value().lines.size(), 1u);
}

TEST_F(Calls, OfAllKindsTakeArgumentsBuiltInPlaceAndEncoded) {
  std::vector<std::string> seen;
  const auto note = [&](const Question& question) { seen.push_back(question.text); };
  server.add(ack("note", note)).value();
  const auto json = [] {
    return Encoded{Codec::json, Payload::copy(R"({"text":"json","times":1})"), {}};
  };

  EXPECT_TRUE(peer.confirm("note", in_place<Question>, "confirmed", 1).has_value());
  EXPECT_TRUE(peer.confirm("note", json()).has_value());
  EXPECT_TRUE(peer.send("note", in_place<Question>, "sent", 1).has_value());
  EXPECT_TRUE(peer.send("note", json()).has_value());
  network.settle();

  EXPECT_EQ(seen, (std::vector<std::string>{"confirmed", "json", "sent", "json"}));
}

TEST_F(Calls, HandOverBytesToConfirm) {
  Payload bytes = Payload::copy(std::string(5000, 'x'));
  std::size_t size = 0;
  server.add(ack("take", [&](BytesView view) { size = view.size(); })).value();

  EXPECT_TRUE(peer.confirm("take", std::move(bytes)).has_value());

  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(size, 5000u);
}

TEST_F(Calls, WithOtherOptionsHaveNoneOfThoseBefore) {
  Headers seen;
  server.add(ack("note", [&](Context& context) { seen = context.headers; })).value();
  const Peer traced = peer.with({.timeout = 1s, .headers = {{"trace", "1"}}});

  const Peer other = traced.with({.timeout = 2s});

  EXPECT_TRUE(other.confirm("note").has_value());
  EXPECT_TRUE(seen.empty());
  EXPECT_TRUE(traced.with_timeout(2s).confirm("note").has_value());
  EXPECT_EQ(seen, (Headers{{"trace", "1"}}));
}

TEST_F(Calls, WithOneOptionChangedKeepTheOthers) {
  std::optional<Context> seen;
  server.add(ack("note", [&](Context& context) { seen.emplace(context); })).value();
  std::stop_source stop;

  const Peer changed = peer.with_header("trace", "1")
                           .with_header("tenant", "a")
                           .with_codec(Codec::json)
                           .with_timeout(5s)
                           .with_deadline(TimePoint(3s))
                           .with_stop(stop.get_token())
                           .with_retry({.attempts_max = 2})
                           .with_header("trace", "2");

  EXPECT_TRUE(changed.confirm("note").has_value());
  EXPECT_EQ(seen->headers, (Headers{{"trace", "2"}, {"tenant", "a"}}));
  EXPECT_EQ(seen->codec, Codec::json);
  EXPECT_EQ(seen->deadline, TimePoint(3s));
  EXPECT_EQ(changed.options().timeout, 5s);
  EXPECT_EQ(changed.options().retry.attempts_max, 2u);
  stop.request_stop();
  EXPECT_TRUE(changed.confirm("note").error().is(Errc::cancelled));
  EXPECT_TRUE(peer.confirm("note").has_value());
  EXPECT_TRUE(seen->headers.empty());
}

TEST_F(Calls, CompleteWithoutABlockedThread) {
  server.add(unary("repeat", &repeat)).value();
  std::vector<std::size_t> lines;

  for (int times = 1; times <= 3; ++times) {
    peer.async_call<Answer>("repeat", Question{"x", times}, [&lines](Result<Answer> answer) {
      lines.push_back(answer.value().lines.size());
    });
  }
  EXPECT_TRUE(lines.empty());
  network.settle();

  EXPECT_EQ(lines, (std::vector<std::size_t>{1, 2, 3}));
}

TEST_F(Calls, ThatCannotStartCompleteAllTheSame) {
  std::string text;

  peer.async_call<Answer>("", Question{},
                          [&text](Result<Answer> answer) { text = answer.error().text; });
  network.settle();

  EXPECT_EQ(text, "a call needs a handler name");
}

TEST_F(Calls, ReplyInTheCodecOfTheRequest) {
  server.add(unary("codec", [](Context& context) { return std::string(to_string(context.codec)); }))
      .value();

  EXPECT_EQ(peer.call<std::string>("codec").value(), "msgpack");
  EXPECT_EQ(peer.with({.codec = Codec::json}).call<std::string>("codec").value(), "json");
}

TEST_F(Calls, CarryBytesUnchangedAtEverySize) {
  server.add(unary("echo", [](Payload bytes) { return bytes; })).value();
  server.add(unary("echo_inline", [](Payload bytes) { return bytes; }, {Execution::inline_}))
      .value();

  for (const std::size_t size : {0u, 1u, 4095u, 4096u, 4097u, 65'536u, 16u << 20}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 131 >> 3);
    for (const char* handler : {"echo", "echo_inline"}) {
      const auto reply = peer.call<Payload>(handler, Payload::copy(bytes));
      ASSERT_TRUE(reply.has_value()) << handler << ' ' << size << ": " << reply.error().text;
      EXPECT_TRUE(reply->text() == bytes) << handler << ' ' << size;
    }
  }
}

TEST_F(Calls, PassEncodedPayloadsThroughUnread) {
  server.add(unary("echo", [](Encoded in) { return in; })).value();

  const auto reply =
      peer.call<Encoded>("echo", Encoded{Codec::json, Payload::copy(std::string_view("[1,2]"))});

  EXPECT_EQ(reply.value().codec, Codec::json);
  EXPECT_EQ(reply.value().payload.text(), "[1,2]");
}

TEST_F(Calls, WithoutAnArgumentCarryNothing) {
  server.add(unary("seven", [] { return 7; })).value();
  server.add(unary("size", [](BytesView bytes) { return bytes.size(); })).value();

  EXPECT_EQ(peer.call<int>("seven").value(), 7);
  EXPECT_EQ(peer.call<std::size_t>("size").value(), 0u);
}

TEST_F(Calls, SendReturnsBeforeTheHandlerRan) {
  int runs = 0;
  server.add(am("count", [&runs] { ++runs; })).value();

  ASSERT_TRUE(peer.send("count").has_value());
  EXPECT_EQ(runs, 0);

  network.settle();
  EXPECT_EQ(runs, 1);
}

TEST_F(Calls, SenderAndReceiverSeeTheSameIds) {
  std::vector<Context> seen;
  server.add(am("note", [&seen](Context& context) { seen.push_back(context); })).value();

  const MessageId first = peer.send("note").value();
  const MessageId second = peer.send("note").value();
  network.settle();

  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].message_id, first);
  EXPECT_EQ(seen[1].message_id, second);
  EXPECT_NE(first, second);
  EXPECT_EQ(seen[0].sender, client.instance_id());
  EXPECT_EQ(seen[0].mode, DeliveryMode::fire_and_forget);
}

TEST_F(Calls, MessageIdsAreUniqueAcrossCallsAndConnections) {
  std::set<MessageId> ids;
  for (std::uint32_t connection = 1; connection <= 10; ++connection) {
    const auto origin = peers::message_origin(client.instance_id(), 1, connection);
    for (std::uint64_t generation = 1; generation <= 100'000; ++generation) {
      const auto call = wire::CallId::make(wire::CallId::no_slot, generation);
      ids.insert(MessageId::from_halves(origin, call.value));
    }
  }
  EXPECT_EQ(ids.size(), 1'000'000u);
}

TEST_F(Calls, EndAtTheirDeadlineOnTheNodesClock) {
  std::vector<Reply<int>> unanswered;
  server.add(unary("never", [&](Reply<int> reply) { unanswered.push_back(reply); })).value();

  const TimePoint before = client.now();
  const auto outcome = peer.with_timeout(2s).call<int>("never");

  EXPECT_TRUE(outcome.error().is(Errc::deadline_exceeded)) << outcome.error().text;
  EXPECT_EQ(outcome.error().ran, Ran::maybe);
  EXPECT_THAT(outcome.error().text, HasSubstr("'never'"));
  EXPECT_EQ(client.now() - before, 2s);
  EXPECT_EQ(client.counters().calls_pending, 0u);
}

TEST_F(Calls, ThatConfirmTellRefusalDeadlineAndLossApart) {
  std::vector<Reply<int>> unanswered;
  server.add(ack("refuse", []() -> Result<void> { return refuse("no"); })).value();
  server.add(unary("never", [&](Reply<int> reply) { unanswered.push_back(reply); })).value();
  server
      .add(unary("leave",
                 [&](Reply<int> reply) {
                   unanswered.push_back(reply);
                   server.peer(client.instance_id()).disconnect();
                 }))
      .value();

  EXPECT_TRUE(peer.confirm("refuse").error().is(Errc::handler_failed));
  EXPECT_TRUE(peer.with_timeout(1s).confirm("never").error().is(Errc::deadline_exceeded));
  EXPECT_TRUE(peer.confirm("leave").error().is(Errc::connection_lost));
  unanswered.clear();
}

TEST_F(Calls, HaveADeadlineOfThirtySecondsUnlessTold) {
  std::vector<Reply<int>> unanswered;
  server.add(unary("never", [&](Reply<int> reply) { unanswered.push_back(reply); })).value();

  const TimePoint before = client.now();
  EXPECT_TRUE(peer.call<int>("never").error().is(Errc::deadline_exceeded));
  EXPECT_EQ(client.now() - before, 30s);
}

TEST_F(Calls, TellTheHandlerTheirDeadline) {
  std::optional<TimePoint> deadline;
  server.add(ack("note", [&](Context& context) { deadline = context.deadline; })).value();

  ASSERT_TRUE(peer.with_timeout(5s).confirm("note").has_value());

  ASSERT_TRUE(deadline.has_value());
  EXPECT_EQ(*deadline, 5s);
}

TEST_F(Calls, LateReplyIsCountedAndDropped) {
  std::vector<Reply<int>> unanswered;
  server.add(unary("never", [&](Reply<int> reply) { unanswered.push_back(reply); })).value();
  server.add(unary("seven", [] { return 7; })).value();
  ASSERT_TRUE(peer.with_timeout(1s).call<int>("never").has_error());

  unanswered.front()(1);
  network.settle();

  EXPECT_EQ(client.counters().stray_outcomes, 1u);
  EXPECT_EQ(peer.call<int>("seven").value(), 7);
}

TEST_F(Calls, ThroughAnEmptyHandleSayWhatIsMissing) {
  const Peer empty;

  EXPECT_TRUE(empty.call<int>("x").error().is(Errc::no_target));
  EXPECT_TRUE(empty.confirm("x").error().is(Errc::no_target));
  EXPECT_THAT(empty.send("x").error().text, HasSubstr("Node::connect()"));
}

TEST_F(Calls, ToANameOfTheSystemAreRefusedWithAHint) {
  const auto refused = peer.call<int>("_list_handlers");

  EXPECT_TRUE(refused.error().is(Errc::reserved_name));
  EXPECT_THAT(refused.error().text, HasSubstr("list_handlers()"));
  EXPECT_THAT(peer.list_handlers().value(), ::testing::Contains("_list_handlers"));
}

TEST_F(Calls, WithABadNameAreRefusedHere) {
  EXPECT_TRUE(peer.send("").error().is(Errc::invalid_argument));
  EXPECT_TRUE(peer.send(std::string(1025, 'n')).error().is(Errc::name_too_long));
  EXPECT_TRUE(peer.send(std::string(1024, 'n')).has_value());
}

TEST_F(Calls, AboveThePeersLimitAreRefusedHereNamingIt) {
  Node& small = network.add_node({.message_bytes_max = 10'000});
  small.add(unary("size", [](BytesView bytes) { return bytes.size(); })).value();
  const Peer to_small = client.connect(small.listen("inproc://*").value()).value();

  const auto refused = to_small.call<std::size_t>("size", Payload::copy(std::string(10'000, 'x')));
  EXPECT_TRUE(refused.error().is(Errc::payload_too_large));
  EXPECT_THAT(refused.error().text, HasSubstr("10000"));
  EXPECT_EQ(to_small.call<std::size_t>("size", Payload::copy(std::string(9'900, 'x'))).value(),
            9'900u);
}

TEST_F(Calls, WhoseReplyIsTooLargeLearnIt) {
  Node& small = network.add_node({.message_bytes_max = 10'000});
  server.add(unary("large", [] { return std::string(20'000, 'x'); })).value();

  const auto reply = small.connect(uri).value().call<std::string>("large");

  EXPECT_TRUE(reply.error().is(Errc::payload_too_large)) << reply.error().text;
  EXPECT_EQ(reply.error().ran, Ran::yes);
}

TEST_F(Calls, BeyondTheTableAreRefusedUntilOneEnds) {
  Node& narrow = network.add_node({.calls_max = 2});
  std::vector<Reply<int>> waiting;
  server.add(unary("wait", [&](Reply<int> reply) { waiting.push_back(reply); })).value();
  const Peer target = narrow.connect(uri).value();
  std::vector<Result<int>> outcomes;
  // Each blocking call drives the network, in which the next one starts.
  narrow.add(am("call", [&] { outcomes.push_back(target.call<int>("wait")); })).value();
  const Peer trigger = server.connect(narrow.listen("inproc://*").value()).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(trigger.send("call").has_value());
  narrow.after(1s, [&] {
    for (auto& reply : waiting) reply(1);
  });
  network.advance(2s);

  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_TRUE(outcomes[0].error().is(Errc::too_many_calls)) << "the innermost ends first";
  EXPECT_EQ(outcomes[1].value(), 1);
  EXPECT_EQ(outcomes[2].value(), 1);
  server.add(unary("seven", [] { return 7; })).value();
  EXPECT_EQ(target.call<int>("seven").value(), 7);
}

TEST_F(Calls, PingRunsNoHandler) {
  EXPECT_TRUE(peer.ping().has_value());
  EXPECT_EQ(server.counters().messages_received, 0u);
}

TEST_F(Calls, ReplyOfTheWrongTypeIsNotAReply) {
  server.add(unary("text", [] { return std::string("seven"); })).value();

  const auto reply = peer.call<int>("text");

  EXPECT_TRUE(reply.error().is(Errc::bad_reply));
  EXPECT_EQ(reply.error().ran, Ran::yes);
}

}  // namespace
}  // namespace trestle
