// What handlers of each kind owe, and what their callers get.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <stdexcept>
#include <variant>

#include "trestle/test_support/raw_peer.hpp"

namespace trestle {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TestNetwork;

class HandlerOutcomes : public ::testing::Test {
 protected:
  std::vector<std::string> server_log;
  TestNetwork network;
  Node& server = network.add_node({.log = [this](LogLevel level, std::string_view line) {
    if (level != LogLevel::info) server_log.emplace_back(line);
  }});
  Node& client = network.add_node();
  Peer peer = client.connect(server.listen("inproc://*").value()).value();
};

TEST_F(HandlerOutcomes, AnErrorsTextReachesTheCallerUnchanged) {
  server.add(ack("ack", []() -> Result<void> { return refuse("no, \"thanks\"\n"); })).value();
  server.add(unary("unary", []() -> Result<int> { return refuse("not today"); })).value();

  const auto acknowledged = peer.confirm("ack");
  const auto replied = peer.call<int>("unary");

  EXPECT_TRUE(acknowledged.error().is(Errc::handler_failed));
  EXPECT_EQ(acknowledged.error().text, "no, \"thanks\"\n");
  EXPECT_EQ(replied.error().text, "not today");
  EXPECT_EQ(replied.error().ran, Ran::yes);
}

TEST_F(HandlerOutcomes, AnAcknowledgementLeavesAfterTheHandlerEnded) {
  test_support::RawPeer raw(network.driver(), server.listen("inproc://*").value());
  raw.greet();
  std::size_t frames_during = 0;
  server
      .add(ack("slow",
               [&] {
                 raw.settle();  // whatever left by now arrives
                 frames_during = raw.frames_received();
               }))
      .value();
  const std::size_t before = raw.frames_received();

  raw.send(wire::Request{.call = wire::CallId::make(1, 1),
                         .handler = 1,
                         .mode = DeliveryMode::confirmed,
                         .handler_name = "slow"});

  EXPECT_EQ(frames_during, before);
  EXPECT_EQ(raw.take<wire::Ack>().size(), 1u);
}

TEST_F(HandlerOutcomes, AnExceptionBecomesARefusalAndTheNodeGoesOn) {
  server.add(unary("throws", []() -> int { throw std::runtime_error("out of cheese"); })).value();
  server.add(unary("throws_int", []() -> int { throw 7; }, {Execution::inline_})).value();
  server.add(unary("seven", [] { return 7; })).value();

  const auto outcome = peer.call<int>("throws");
  EXPECT_TRUE(outcome.error().is(Errc::handler_failed));
  EXPECT_EQ(outcome.error().text, "throws threw: out of cheese");
  EXPECT_THAT(peer.call<int>("throws_int").error().text, HasSubstr("unknown type"));
  EXPECT_EQ(peer.call<int>("seven").value(), 7);
  EXPECT_EQ(server.counters().handler_errors, 2u);
}

TEST_F(HandlerOutcomes, FailuresThatNobodyWaitsForAreLoggedAndCounted) {
  server.add(am("throws", [] { throw std::runtime_error("spilt"); })).value();

  ASSERT_TRUE(peer.send("throws").has_value());
  network.settle();

  EXPECT_EQ(server.counters().handler_errors, 1u);
  EXPECT_THAT(server_log, ElementsAre(HasSubstr("spilt")));
}

TEST_F(HandlerOutcomes, AnErrorOfAnAmHandlerIsLoggedAndCounted) {
  server.add(am("refuses", []() -> Result<void> { return refuse("not this one"); })).value();

  ASSERT_TRUE(peer.send("refuses").has_value());
  network.settle();

  EXPECT_EQ(server.counters().handler_errors, 1u);
  EXPECT_THAT(server_log, ElementsAre(HasSubstr("not this one")));
}

TEST_F(HandlerOutcomes, UndecodableInputIsRefusedBeforeTheHandlerRuns) {
  int runs = 0;
  server.add(unary("number", [&runs](int) { return ++runs; })).value();

  const auto outcome = peer.call<int>("number", std::string("seven"));

  EXPECT_TRUE(outcome.error().is(Errc::undecodable));
  EXPECT_THAT(outcome.error().text, HasSubstr("Failed to deserialize input: "));
  EXPECT_EQ(outcome.error().ran, Ran::no);
  EXPECT_EQ(runs, 0);
}

TEST_F(HandlerOutcomes, AHandlerThatTakesUnitNeedsNoPayload) {
  server.add(unary("unit", [](std::monostate) { return 1; })).value();

  EXPECT_EQ(peer.call<int>("unit").value(), 1);
}

TEST_F(HandlerOutcomes, AVoidUnaryHandlerGivesNoReply) {
  int runs = 0;
  server.add(unary("void", [&](int) { ++runs; })).value();

  const auto outcome = peer.call<Payload>("void", 1);

  EXPECT_TRUE(outcome.error().is(Errc::no_reply));
  EXPECT_EQ(outcome.error().ran, Ran::yes);
  EXPECT_TRUE(peer.confirm("void", 1).has_value());
  EXPECT_EQ(runs, 2);
}

TEST_F(HandlerOutcomes, UnknownHandlerIsRefusedAtOnce) {
  const TimePoint before = client.now();

  const auto call = peer.call<int>("nobody");
  const auto confirm = peer.confirm("nobody");
  ASSERT_TRUE(peer.send("nobody").has_value());
  network.settle();

  EXPECT_TRUE(call.error().is(Errc::handler_not_found));
  EXPECT_EQ(call.error().text, "No handler for 'nobody'");
  EXPECT_EQ(call.error().ran, Ran::no);
  EXPECT_TRUE(confirm.error().is(Errc::handler_not_found));
  EXPECT_EQ(client.now(), before);
  EXPECT_EQ(server.counters().messages_refused, 3u);
}

TEST_F(HandlerOutcomes, ModeAndKindMustFit) {
  server.add(am("am", [] {})).value();
  server.add(ack("ack", [] {})).value();
  server.add(unary("unary", [] { return 7; })).value();

  EXPECT_TRUE(peer.call<int>("am").error().is(Errc::kind_mismatch));
  EXPECT_TRUE(peer.confirm("am").error().is(Errc::kind_mismatch));
  EXPECT_EQ(peer.call<int>("ack").error().text,
            "Handler type mismatch: client expects 'unary' but handler 'ack' is 'ack'");
  EXPECT_TRUE(peer.confirm("ack").has_value());
  EXPECT_TRUE(peer.confirm("unary").has_value()) << "the reply is dropped";
  EXPECT_TRUE(peer.send("unary").has_value());
}

TEST_F(HandlerOutcomes, ALaterReplyFindsItsCaller) {
  server
      .add(unary("later",
                 [this](int ms, Reply<int> reply) {
                   server.after(std::chrono::milliseconds(ms), [reply, ms] { reply(ms); });
                 }))
      .value();

  const TimePoint before = client.now();
  EXPECT_EQ(peer.call<int>("later", 250).value(), 250);
  EXPECT_EQ(client.now() - before, std::chrono::milliseconds(250));
}

TEST_F(HandlerOutcomes, ADroppedReplyTellsTheCaller) {
  server.add(unary("drops", [](Reply<int>) {})).value();

  const auto outcome = peer.call<int>("drops");

  EXPECT_TRUE(outcome.error().is(Errc::no_reply));
  EXPECT_EQ(outcome.error().ran, Ran::yes);
}

TEST_F(HandlerOutcomes, OnlyTheFirstAnswerCounts) {
  server
      .add(unary("twice",
                 [](Reply<int> reply) {
                   reply(1);
                   reply(2);
                   reply.fail("three");
                 }))
      .value();

  EXPECT_EQ(peer.call<int>("twice").value(), 1);
  EXPECT_EQ(client.counters().stray_outcomes, 0u);
}

TEST_F(HandlerOutcomes, AThrowAfterAskingForALaterReplyStillEndsTheCall) {
  server.add(unary("throws", [](Reply<int>) { throw std::runtime_error("late"); })).value();

  EXPECT_TRUE(peer.call<int>("throws").error().is(Errc::no_reply));
  network.settle();

  EXPECT_THAT(server_log, ElementsAre(HasSubstr("late"))) << "the exception is not lost";
}

TEST_F(HandlerOutcomes, AreCountedByWhetherTheHandlerRan) {
  server
      .add(ack("fails",
               [](int) -> Result<void> { return Error(Errc::invalid_argument, "not seven"); }))
      .value();

  EXPECT_TRUE(peer.confirm("fails", 6).error().is(Errc::invalid_argument));
  EXPECT_EQ(server.counters().handler_errors, 1u);
  EXPECT_EQ(server.counters().messages_refused, 0u);

  EXPECT_TRUE(peer.confirm("fails", std::string("six")).error().is(Errc::undecodable));
  EXPECT_EQ(server.counters().handler_errors, 1u);
  EXPECT_EQ(server.counters().messages_refused, 1u);
}

int doubled(int value) {
  return 2 * value;
}

struct Counter {
  int total = 0;
  int operator()(int by) { return total += by; }
};

TEST_F(HandlerOutcomes, FunctionsObjectsAndLambdasAllServe) {
  server.add(unary("function", &doubled)).value();
  server.add(unary("object", Counter{})).value();
  const int offset = 5;
  server.add(unary("lambda", [offset](int value) { return value + offset; })).value();

  EXPECT_EQ(peer.call<int>("function", 4).value(), 8);
  EXPECT_EQ(peer.call<int>("object", 2).value(), 2);
  EXPECT_EQ(peer.call<int>("object", 2).value(), 4);
  EXPECT_EQ(peer.call<int>("lambda", 1).value(), 6);
}

TEST_F(HandlerOutcomes, RegistrationChecksNames) {
  server.add(unary("once", [] { return 1; })).value();

  const auto again = server.add(unary("once", [] { return 2; }));
  const auto reserved = server.add(unary("_mine", [] { return 2; }));

  EXPECT_TRUE(again.error().is(Errc::handler_exists));
  EXPECT_EQ(again.error().text, "Handler 'once' already registered");
  EXPECT_TRUE(reserved.error().is(Errc::reserved_name));
  EXPECT_EQ(peer.call<int>("once").value(), 1) << "the first one stays";
}

TEST_F(HandlerOutcomes, AHandlerAddedLateServesTheNextMessage) {
  ASSERT_TRUE(peer.call<int>("late").error().is(Errc::handler_not_found));

  server.add(unary("late", [] { return 1; })).value();

  EXPECT_EQ(peer.call<int>("late").value(), 1);
}

}  // namespace
}  // namespace trestle
