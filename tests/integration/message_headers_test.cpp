// Headers on their way to handlers and back.
#include "raw_calls.hpp"

namespace trestle {
namespace {

const Headers trace{{"trace", "7"}, {"späť", "čas 😀"}};

/// As many bytes as a message may carry, and `more`.
Headers full(std::size_t more) {
  Headers headers;
  for (char name = 'a'; name < 'a' + 16; ++name) {
    const std::size_t extra = name == 'p' ? more : 0;
    headers.set(std::string(1, name), std::string(1024 - Headers::overhead_bytes - 1 + extra, 'v'));
  }
  return headers;
}

class MessageHeaders : public RawCalls, public ::testing::WithParamInterface<Execution> {
 protected:
  /// The headers of the one reply to a request that carries `trace`.
  Headers headers_of_reply(std::uint32_t number, std::string_view name) {
    wire::Request sent = request(1, number, name);
    sent.headers = trace;
    raw->send(sent);
    const auto replies = raw->take<wire::Reply>();
    EXPECT_EQ(replies.size(), 1u);
    return replies.empty() ? Headers() : replies[0].headers;
  }
  HandlerOptions options() const { return {GetParam()}; }
};

INSTANTIATE_TEST_SUITE_P(Runs, MessageHeaders,
                         ::testing::Values(Execution::spawn, Execution::inline_),
                         [](const auto& run) {
                           return run.param == Execution::spawn ? "spawned" : "inline";
                         });

TEST_P(MessageHeaders, ReachTheContextOfTheHandler) {
  Headers seen;
  server
      .add(unary(
          "note", [&](Context& context, int) { seen = context.headers; }, options()))
      .value();

  wire::Request sent = request(1, 1, "note");
  sent.headers = trace;
  raw->send(sent);

  EXPECT_EQ(seen, trace);
  raw->send(request(2, 1, "note"));
  EXPECT_TRUE(seen.empty());
}

TEST_P(MessageHeaders, TravelWithEncodedBothWays) {
  server
      .add(unary(
          "echo", [](Encoded message) { return message; }, options()))
      .value();

  EXPECT_EQ(headers_of_reply(1, "echo"), trace);
}

TEST_P(MessageHeaders, AreReturnedBesideAValue) {
  server
      .add(unary(
          "value",
          [](int v) {
            return WithHeaders<int>{v, {{"a", "1"}}};
          },
          options()))
      .value();
  server
      .add(unary(
          "result",
          [](int v) -> Result<WithHeaders<int>> {
            return WithHeaders<int>{v, {{"a", "2"}}};
          },
          options()))
      .value();
  server
      .add(unary(
          "later",
          [](int v, Reply<WithHeaders<int>> reply) {
            reply({v, {{"a", "3"}}});
          },
          options()))
      .value();

  EXPECT_EQ(headers_of_reply(1, "value"), (Headers{{"a", "1"}}));
  EXPECT_EQ(headers_of_reply(2, "result"), (Headers{{"a", "2"}}));
  EXPECT_EQ(headers_of_reply(3, "later"), (Headers{{"a", "3"}}));
}

TEST_P(MessageHeaders, OfARequestThatWaitsForAPermitAreKept) {
  std::vector<Headers> seen;
  std::vector<Reply<int>> held;
  const auto hold = [&](Context& context, Reply<int> reply) {
    seen.push_back(std::move(context.headers));
    held.push_back(std::move(reply));
  };
  server.add(unary("hold", hold, {GetParam(), 1})).value();
  wire::Request sent = request(1, 1, "hold");
  sent.headers = trace;
  wire::Request second = request(2, 1, "hold");
  second.headers = {{"second", ""}};

  raw->send(sent, second);
  held.at(0)(1);
  raw->settle();

  EXPECT_EQ(seen, (std::vector<Headers>{trace, {{"second", ""}}}));
}

TEST_P(MessageHeaders, OfAReplyAreSentUpToTheLimitAndRefusedAboveIt) {
  server
      .add(unary(
          "full",
          [](int more) {
            return WithHeaders<int>{more, full(static_cast<std::size_t>(more))};
          },
          options()))
      .value();

  raw->send(request(1, 1, "full", DeliveryMode::with_response, "0"));
  EXPECT_EQ(raw->take<wire::Reply>().at(0).headers, full(0));

  raw->send(request(2, 1, "full", DeliveryMode::with_response, "1"));
  EXPECT_EQ(nack(),
            "handler_failed, ran: the reply cannot be sent: the headers of a message have "
            "16385 bytes, the limit is 16384");
}

TEST_P(MessageHeaders, TravelBetweenNodes) {
  server
      .add(unary(
          "echo", [](Encoded message) { return message; }, options()))
      .value();
  Node& client = network.add_node();
  const Peer peer = client.connect(server.listen("inproc://*").value()).value();

  const auto reply = peer.call<Encoded>("echo", Encoded{Codec::json, Payload::copy("1"), trace});
  const auto most = peer.call<Encoded>("echo", Encoded{Codec::json, Payload::copy("1"), full(0)});
  const auto more = peer.call<Encoded>("echo", Encoded{Codec::json, Payload::copy("1"), full(1)});

  EXPECT_EQ(reply.value().headers, trace);
  EXPECT_EQ(most.value().headers, full(0));
  EXPECT_TRUE(more.error().is(Errc::invalid_argument));
  EXPECT_EQ(more.error().text, "the headers of a message have 16385 bytes, the limit is 16384");
  EXPECT_EQ(more.error().ran, Ran::no);
}

TEST_P(MessageHeaders, ThatBreakTheRulesAreRefusedByTheirText) {
  wire::Request sent = request(1, 1, "echo");
  sent.headers = {{"name", std::string(1025, 'v')}};

  raw->send(sent);

  EXPECT_EQ(nack(),
            "undecodable, not run: request: the value of header 'name' has 1025 bytes, the limit "
            "is 1024");
  EXPECT_FALSE(raw->is_closed());
}

}  // namespace
}  // namespace trestle
