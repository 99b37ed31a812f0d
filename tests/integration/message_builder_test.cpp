// Messages that are put together step by step: what each step needs, gives and waits for.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include <boost/describe/class.hpp>
#include <limits>

#include "trestle/test_support/two_nodes.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

int times_encoded = 0;

/// Counts how often it is read, which encoding does once.
struct Counted {
  operator std::string_view() const {
    ++times_encoded;
    return "counted";
  }
};

struct Reading {
  double value = 0;
};
BOOST_DESCRIBE_STRUCT(Reading, (), (value))

using Builder = test_support::TwoNodes;

TEST_F(Builder, ExecutesWithoutWaiting) {
  std::optional<MessageId> seen;
  server.add(am("note", [&](Context& context, int) { seen = context.message_id; })).value();

  const auto sent = client.message("note").payload(1).target(peer).execute();

  ASSERT_TRUE(sent.has_value());
  EXPECT_FALSE(seen.has_value());
  network.settle();
  EXPECT_EQ(seen, *sent);
}

TEST_F(Builder, NeedsATargetToExecute) {
  const auto refused = client.message("note").execute();

  EXPECT_TRUE(refused.error().is(Errc::no_target));
  EXPECT_EQ(refused.error().text, "target must be set before execute()");
  EXPECT_EQ(client.message("note").send().error().text, "target must be set before send()");
  EXPECT_EQ(client.message("note").send_detached().error().text,
            "target must be set before send_detached()");
}

TEST_F(Builder, SendsAndWaitsForTheEnd) {
  std::optional<MessageId> seen;
  server.add(ack("save", [&](Context& context, int) { seen = context.message_id; })).value();

  const auto saved = client.message("save").payload(7).send(peer);

  EXPECT_EQ(saved.value().message_id(), seen.value());
}

TEST_F(Builder, TellsRefusalTimeoutAndDisconnectApart) {
  std::vector<Reply<int>> unanswered;
  server.add(ack("refuse", [](int) -> Result<void> { return refuse("out of stock"); })).value();
  server.add(unary("never", [&](Reply<int> reply) { unanswered.push_back(reply); })).value();
  server
      .add(unary("leave",
                 [&](Reply<int> reply) {
                   unanswered.push_back(reply);
                   server.peer(client.instance_id()).disconnect();
                 }))
      .value();

  const auto refused = peer.message("refuse").payload(1).send();
  const auto late = peer.message("never").timeout(1s).send();
  const auto lost = peer.message("leave").send();

  EXPECT_TRUE(refused.error().is(Errc::handler_failed));
  EXPECT_EQ(refused.error().text, "out of stock");
  EXPECT_TRUE(late.error().is(Errc::deadline_exceeded));
  EXPECT_THAT(late.error().text, HasSubstr("'never'"));
  EXPECT_TRUE(lost.error().is(Errc::connection_lost));
}

TEST_F(Builder, DetachesTheWaitForTheEnd) {
  int ran = 0;
  server.add(ack("save", [&](int) { ++ran; })).value();

  auto saving = peer.message("save").payload(7).send_detached().value();

  EXPECT_EQ(ran, 0);
  EXPECT_TRUE(std::move(saving).await_ack().has_value());
  EXPECT_EQ(ran, 1);
}

TEST_F(Builder, GivesEachOutcomeOnce) {
  server.add(ack("save", [](int) {})).value();
  auto saving = peer.message("save").payload(7).send_detached().value();
  ASSERT_TRUE(std::move(saving).await_ack().has_value());

  const auto again = std::move(saving).await_ack();  // NOLINT(bugprone-use-after-move)

  EXPECT_TRUE(again.error().is(Errc::invalid_argument));
  EXPECT_THAT(again.error().text, HasSubstr("was taken already"));
}

TEST_F(Builder, ExpectsAResponse) {
  server.add(unary("sum", [](const std::vector<int>& v) { return v.at(0) + v.at(1); })).value();

  auto accepted =
      client.message("sum").payload(std::vector{1, 2}).expect_response<int>().send(peer).value();
  auto raw = peer.message("sum").payload(std::vector{3, 4}).expect_response<int>().execute();

  EXPECT_EQ(std::move(accepted).await_response().value(), 3);
  EXPECT_EQ(std::move(*raw).await_response_raw().value().codec, Codec::msgpack);
}

TEST_F(Builder, DetachesTheWaitForAcceptance) {
  server.add(unary("sum", [](const std::vector<int>& v) { return v.at(0) + v.at(1); })).value();

  auto detached =
      peer.message("sum").payload(std::vector{1, 2}).expect_response<int>().send_detached().value();

  EXPECT_TRUE(detached.await_accepted().has_value());
  EXPECT_TRUE(detached.await_accepted().has_value());
  EXPECT_EQ(std::move(detached).await_response().value(), 3);
}

TEST_F(Builder, RefusalsOfTheHandlerEndTheWaitForAcceptance) {
  const auto refused = peer.message("nowhere").expect_response<int>().send();

  EXPECT_TRUE(refused.error().is(Errc::handler_not_found));
}

TEST_F(Builder, KeepsTheTextOfAPayloadThatCannotBeEncoded) {
  const auto refused = peer.message("save")
                           .codec(Codec::json)
                           .payload(Reading{std::numeric_limits<double>::quiet_NaN()})
                           .send();

  EXPECT_TRUE(refused.error().is(Errc::encode_failed));
  EXPECT_THAT(refused.error().text, HasSubstr("value"));
}

TEST_F(Builder, TakesItsCodecBeforeItsPayload) {
  std::optional<Codec> seen;
  server.add(ack("note", [&](Context& context, int) { seen = context.codec; })).value();

  EXPECT_TRUE(peer.message("note").codec(Codec::json).payload(1).send().has_value());
  EXPECT_EQ(seen, Codec::json);
  const auto late = peer.message("note").payload(1).codec(Codec::json).send();
  EXPECT_TRUE(late.error().is(Errc::invalid_argument));
  EXPECT_THAT(late.error().text, HasSubstr("before payload()"));
}

TEST_F(Builder, EncodesOnceForManyTargets) {
  times_encoded = 0;
  std::vector<std::string> seen;
  std::vector<Peer> targets;
  for (int i = 0; i < 100; ++i) {
    Node& node = network.add_node();
    node.add(am("note", [&](const std::string& text) { seen.push_back(text); })).value();
    targets.push_back(client.connect(node.listen("inproc://*").value()).value());
  }

  const auto message = client.message("note").payload(Counted{});
  for (const Peer& target : targets) {
    ASSERT_TRUE(message.clone_with_target(target).execute().has_value());
  }
  network.settle();

  EXPECT_EQ(times_encoded, 1);
  EXPECT_EQ(seen, std::vector<std::string>(100, "counted"));
}

TEST_F(Builder, SharesLargePayloadsUntilTheLastOneWasSent) {
  std::vector<std::size_t> seen;
  server.add(am("note", [&](BytesView bytes) { seen.push_back(bytes.size()); })).value();
  {
    auto message = peer.message("note").raw_payload(Payload::copy(std::string(100'000, 'x')));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(message.execute().has_value());
  }
  network.settle();

  EXPECT_EQ(seen, std::vector<std::size_t>(3, 100'000));
}

TEST_F(Builder, BuildsItsPayloadInside) {
  double seen = 0;
  server.add(ack("note", [&](const Reading& reading) { seen = reading.value; })).value();

  EXPECT_TRUE(peer.message("note").payload(in_place<Reading>, 0.5).send().has_value());

  EXPECT_EQ(seen, 0.5);
}

TEST_F(Builder, PassesEncodedOnWithCodecAndHeaders) {
  std::vector<std::string> seen;
  Headers headers;
  const auto note = [&](Context& context, const std::string& text) {
    seen.push_back(text + ' ' + std::string(to_string(context.codec)));
    headers = context.headers;
  };
  server.add(ack("note", note)).value();
  const Encoded came{Codec::json, Payload::copy("\"a\""), {{"trace", "1"}}};
  auto message = peer.message("note").header("tenant", "b").payload(came);

  EXPECT_TRUE(message.send().has_value());
  EXPECT_EQ(headers, (Headers{{"tenant", "b"}, {"trace", "1"}}));
  message.payload(Encoded{Codec::json, Payload::copy("\"b\""), {{"trace", "2"}}});
  EXPECT_TRUE(message.send().has_value());

  EXPECT_EQ(headers, (Headers{{"tenant", "b"}, {"trace", "2"}}));
  EXPECT_EQ(seen, (std::vector<std::string>{"a json", "b json"}));
}

TEST_F(Builder, SendsHeadersOfItsOwnAndOfThePeer) {
  Headers seen;
  server.add(ack("note", [&](Context& context) { seen = context.headers; })).value();
  const Peer traced = peer.with_header("trace", "1").with_header("tenant", "a");

  ASSERT_TRUE(traced.message("note").header("tenant", "b").send().has_value());

  EXPECT_EQ(seen, (Headers{{"trace", "1"}, {"tenant", "b"}}));
}

TEST_F(Builder, RefusesHeadersBeyondTheLimitsBeforeAnythingIsSent) {
  const auto refused = peer.message("note").header("big", std::string(2000, 'x')).execute();

  EXPECT_TRUE(refused.error().is(Errc::invalid_argument));
  EXPECT_THAT(refused.error().text, HasSubstr("1024"));
  network.settle();
  EXPECT_EQ(server.counters().messages_received, 0u);
}

TEST_F(Builder, RefusesNamesOfTheSystemWithAHint) {
  const auto refused = peer.message("_list_handlers").expect_response<int>().send();

  EXPECT_TRUE(refused.error().is(Errc::reserved_name));
  EXPECT_THAT(refused.error().text, HasSubstr("list_handlers()"));
}

TEST_F(Builder, TellsAnEmptyPeerFromAMissingOne) {
  EXPECT_THAT(client.message("note").send(Peer()).error().text, HasSubstr("Node::connect()"));
}

// ---- What does not compile ----

template <class T>
concept AwaitsAck = requires(T status) {
  std::move(status).await_ack();
};
template <class T>
concept AwaitsResponse = requires(T status) {
  std::move(status).await_response();
};
template <class T>
concept AwaitsAccepted = requires(T status) {
  status.await_accepted();
};
template <class T>
concept AwaitsDelivery = requires(T status) {
  std::move(status).await_delivery();
};
template <class T>
concept AwaitsOnAnLvalue = requires(T status) {
  status.await_ack();
}
|| requires(T status) {
  status.await_response();
}
|| requires(T status) {
  status.await_delivery();
};
template <class T>
concept Sends = requires(const T& builder, const Peer& to) {
  builder.send(to);
};
template <class T>
concept Executes = requires(const T& builder) {
  builder.execute();
};
template <class T, class R>
concept ExpectsA = requires(const T& builder) {
  builder.template expect_response<R>();
};

using Confirmed = MessageStatus<SendAndConfirm>;
using Confirming = MessageStatus<DetachedConfirm>;
using Accepted = MessageStatus<WithResponse<int>>;
using Accepting = MessageStatus<DetachedResponse<int>>;
using Delivering = ReceiptHandle<DeliveryPhase>;
using Delivered = ReceiptHandle<AckPhase>;
using DeliveringResponse = ReceiptHandle<ResponseDeliveryPhase<int>>;
using DeliveredResponse = ReceiptHandle<ResponsePhase<int>>;

static_assert(!AwaitsAck<Confirmed> && !AwaitsResponse<Confirmed>);
static_assert(AwaitsAck<Confirming> && !AwaitsResponse<Confirming> && !AwaitsAccepted<Confirming>);
static_assert(AwaitsResponse<Accepted> && !AwaitsAck<Accepted> && !AwaitsAccepted<Accepted>);
static_assert(AwaitsResponse<Accepting> && AwaitsAccepted<Accepting> && !AwaitsAck<Accepting>);
static_assert(AwaitsDelivery<Delivering> && !AwaitsAck<Delivering>);
static_assert(AwaitsAck<Delivered> && !AwaitsDelivery<Delivered> && !AwaitsResponse<Delivered>);
static_assert(AwaitsDelivery<DeliveringResponse> && !AwaitsResponse<DeliveringResponse>);
static_assert(AwaitsResponse<DeliveredResponse> && !AwaitsAck<DeliveredResponse>);
static_assert(!AwaitsOnAnLvalue<Confirming> && !AwaitsOnAnLvalue<Accepting>);
static_assert(!AwaitsOnAnLvalue<Delivering> && !AwaitsOnAnLvalue<DeliveredResponse>);
static_assert(!std::is_copy_constructible_v<Confirming> && std::is_copy_constructible_v<Confirmed>);

using Open = MessageBuilder<NeedsDeliveryMode>;
using WithResponseExpected = MessageBuilder<ExpectsResponse<int>>;
using Receipt = MessageBuilder<WithReceipt>;
using ReceiptAndResponse = MessageBuilder<WithReceiptAndResponse<int>>;

static_assert(Sends<Open> && Executes<Open> && ExpectsA<Open, int> && !ExpectsA<Open, void>);
static_assert(!ExpectsA<Open, const int&> && !ExpectsA<WithResponseExpected, int>);
static_assert(Sends<Receipt> && !Executes<Receipt> && !ExpectsA<Receipt, int>);
static_assert(!Sends<ReceiptAndResponse> && !Executes<ReceiptAndResponse>);
static_assert(std::is_copy_constructible_v<Open> && std::is_copy_constructible_v<Receipt>);

}  // namespace
}  // namespace trestle
