// Acceptance, receipts and outcomes of messages, one after the other.
#include <gmock/gmock.h>
#include <trestle/trestle.hpp>

#include "trestle/test_support/two_nodes.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Phases : public test_support::TwoNodes {
 protected:
  void TearDown() override {
    running.clear();
    TwoNodes::TearDown();
  }

  void add_one_at_a_time() {
    server
        .add(unary("slow", [this](Reply<int> reply) { running.push_back(reply); },
                   {.concurrency_max = 1}))
        .value();
  }
  auto open(std::string_view handler) {
    return peer.message(handler).expect_response<int>().send_detached();
  }

  std::vector<Reply<int>> running;
};

TEST_F(Phases, AcceptanceComesWhenTheHandlerStarts) {
  add_one_at_a_time();
  auto first = open("slow").value();
  std::optional<TimePoint> accepted_at;
  auto second = open("slow").value();
  second.open().on_accepted([&](const Result<HandlerContract>& accepted) {
    EXPECT_TRUE(accepted.has_value());
    accepted_at = client.now();
  });
  network.advance(1s);
  EXPECT_FALSE(accepted_at.has_value());
  EXPECT_TRUE(first.await_accepted().has_value());

  running.front()(1);
  network.settle();

  EXPECT_EQ(accepted_at, 1s);
  EXPECT_EQ(std::move(first).await_response().value(), 1);
  running.back()(2);
  EXPECT_EQ(std::move(second).await_response().value(), 2);
}

TEST_F(Phases, ShareOneDeadline) {
  add_one_at_a_time();
  auto first = open("slow").value();
  client.after(8s, [&] { running.front()(1); });

  // Accepted after 8 of 10 seconds; 2 are left for the response.
  auto accepted = peer.message("slow").timeout(10s).expect_response<int>().send().value();
  EXPECT_EQ(client.now(), 8s);
  const auto outcome = std::move(accepted).await_response();

  EXPECT_TRUE(outcome.error().is(Errc::deadline_exceeded)) << outcome.error();
  EXPECT_EQ(client.now(), 10s);
  EXPECT_EQ(std::move(first).await_response().value(), 1);
  EXPECT_EQ(client.counters().calls_pending, 0u);
}

TEST_F(Phases, AWaitForAcceptanceEndsAtTheDeadline) {
  add_one_at_a_time();
  auto first = open("slow").value();

  const auto refused = peer.message("slow").timeout(10s).expect_response<int>().send();

  EXPECT_TRUE(refused.error().is(Errc::deadline_exceeded));
  EXPECT_THAT(refused.error().text, HasSubstr("'slow'"));
  EXPECT_EQ(client.now(), 10s);
}

TEST_F(Phases, TheReceiptComesBeforeTheAcknowledgement) {
  std::vector<int> saved;
  server.add(ack("save", [&](int order) { saved.push_back(order); })).value();

  auto delivered =
      peer.message("save").payload(7).detach_receipt().send().value().await_delivery().value();

  EXPECT_EQ(delivered.contract().kind, HandlerKind::ack);
  EXPECT_TRUE(std::move(delivered).await_ack().has_value());
  EXPECT_EQ(saved, std::vector<int>{7});
}

TEST_F(Phases, TheReceiptComesBeforeTheResponse) {
  server.add(unary("twice", [](int n) { return 2 * n; })).value();
  const auto message = peer.message("twice").payload(4).detach_receipt();

  auto typed = message.expect_typed_response<int>().send_with_response().value();
  auto bytes = message.expect_bytes_response().send_with_response().value();
  auto delivered = std::move(typed).await_delivery().value();

  EXPECT_EQ(delivered.contract(), (HandlerContract{HandlerKind::unary, "int32", "int32"}));
  EXPECT_EQ(std::move(delivered).await_response().value(), 8);
  EXPECT_EQ(std::move(bytes).await_delivery().value().await_response().value().size(), 1u);
}

TEST_F(Phases, AContractThatDoesNotFitEndsTheWaitForTheReceipt) {
  server.add(unary("twice", [](int n) { return 2 * n; })).value();
  server.add(am("note", [](int) {})).value();
  const auto twice = peer.message("twice").payload(4).detach_receipt();
  const auto note = peer.message("note").payload(4).detach_receipt();

  const auto untyped = twice.send().value().await_delivery();
  const auto wrong =
      twice.expect_typed_response<std::string>().send_with_response().value().await_delivery();
  const auto none = note.expect_bytes_response().send_with_response().value().await_delivery();

  EXPECT_TRUE(untyped.error().is(Errc::kind_mismatch));
  EXPECT_THAT(untyped.error().text, HasSubstr("Response expectation mismatch"));
  EXPECT_THAT(wrong.error().text, HasSubstr("'string'"));
  EXPECT_THAT(none.error().text, HasSubstr("handler provides response=false"));
  EXPECT_EQ(client.counters().calls_pending, 0u);
}

TEST_F(Phases, ASecondWaitForTheReceiptSaysSo) {
  server.add(ack("save", [](int) {})).value();
  auto handle = peer.message("save").payload(7).detach_receipt().send().value();
  auto delivered = std::move(handle).await_delivery().value();

  EXPECT_TRUE(std::move(handle).await_delivery().error().is(Errc::invalid_argument));  // NOLINT
  EXPECT_TRUE(std::move(delivered).await_ack().has_value());
}

// ---- What a response may be ----

TEST_F(Phases, NoResponseIsWhatAVoidCallAsksFor) {
  int ran = 0;
  server.add(unary("clear", [&] { ++ran; })).value();
  server.add(unary("nothing", [] { return std::monostate(); })).value();

  EXPECT_TRUE(peer.call<void>("clear").has_value());
  EXPECT_TRUE(peer.call<void>("nothing").has_value());
  const auto asked = peer.call<int>("clear");

  EXPECT_EQ(ran, 2);
  EXPECT_TRUE(asked.error().is(Errc::no_reply));
  EXPECT_EQ(asked.error().text, "handler returned no response");
  EXPECT_EQ(asked.error().ran, Ran::yes);
}

TEST_F(Phases, AResponseIsNotWhatAVoidCallAsksFor) {
  server.add(unary("seven", [] { return 7; })).value();

  EXPECT_TRUE(peer.call<void>("seven").error().is(Errc::bad_reply));
}

TEST_F(Phases, ResponsesComeWithTheirHeaders) {
  server
      .add(unary("greet",
                 [](const std::string& name) {
                   return WithHeaders<std::string>{"hi " + name, {{"trace", "9"}}};
                 }))
      .value();

  const auto reply = peer.call<WithHeaders<std::string>>("greet", std::string("you"));

  EXPECT_EQ(reply.value().value, "hi you");
  EXPECT_EQ(reply.value().headers, (Headers{{"trace", "9"}}));
}

// ---- Completions of both phases ----

TEST_F(Phases, AThrowOfOneCompletionLeavesTheOther) {
  server.add(unary("seven", [] { return 7; })).value();
  std::optional<Result<Encoded>> outcome;
  auto message = open("seven").value();
  message.open().on_accepted([](const Result<HandlerContract>&) { throw 1; });
  message.open().on_outcome([&](Result<Encoded> o) { outcome.emplace(std::move(o)); });

  network.settle();

  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->has_value());
}

TEST_F(Phases, AreToldOfARefusalInFullThoughItsOutcomeWasTaken) {
  std::optional<Error> refusal;
  auto message = open("nowhere").value();
  network.settle();
  message.open().on_accepted([&](const Result<HandlerContract>& a) { refusal = a.error(); });

  const auto outcome = std::move(message).await_response();
  network.settle();

  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->text, outcome.error().text);
  EXPECT_TRUE(refusal->is(Errc::handler_not_found));
}

TEST_F(Phases, AreWaitedForByOneCompletionAtATime) {
  add_one_at_a_time();
  int accepted = 0;
  std::optional<Error> refused;
  auto message = open("slow").value();
  message.open().on_accepted([&](const Result<HandlerContract>&) { ++accepted; });
  message.open().on_accepted([&](const Result<HandlerContract>& a) { refused = a.error(); });

  network.settle();

  EXPECT_EQ(accepted, 1);
  ASSERT_TRUE(refused.has_value());
  EXPECT_TRUE(refused->is(Errc::invalid_argument));
  message.open().on_accepted([&](const Result<HandlerContract>&) { ++accepted; });
  network.settle();
  EXPECT_EQ(accepted, 2);
}

TEST_F(Phases, AStatusCanEndItsMessage) {
  add_one_at_a_time();
  auto status = peer.message("slow").expect_response<int>().send().value();

  EXPECT_TRUE(status.cancel());
  EXPECT_FALSE(status.cancel());
  network.settle();

  EXPECT_TRUE(running.front().stop_token().stop_requested());
  EXPECT_TRUE(std::move(status).await_response().error().is(Errc::cancelled));
}

}  // namespace
}  // namespace trestle
