// What a sender learns before its message runs: that it starts, or that the handler fits.
#include "raw_calls.hpp"

namespace trestle {
namespace {

using Response = Expectation::Response;
constexpr auto receipt_ack = DeliveryMode::with_receipt_ack;
constexpr auto receipt_response = DeliveryMode::with_receipt_and_response;

class Receipts : public RawCalls {
 protected:
  Receipts() {
    server.add(am("note", [this](int) { ++runs; })).value();
    server.add(ack("store", [this](const std::string&) { ++runs; })).value();
    server
        .add(unary("sum",
                   [this](std::vector<int> numbers) {
                     ++runs;
                     return static_cast<double>(numbers.size());
                   }))
        .value();
  }

  /// Sends one request with a receipt that no handler ran for.
  std::string refusal_of(std::string_view name, DeliveryMode mode,
                         std::optional<Response> response = {}, std::string_view type = {},
                         std::string_view json = "1") {
    wire::Request sent = request(1, ++number, name, mode, json);
    sent.expected_response = response;
    sent.expected_type = type;
    raw->send(sent);
    EXPECT_EQ(runs, 0);
    EXPECT_EQ(accepted(), 0u);
    return nack();
  }
  /// The contract in the one receipt that came.
  std::string contract() {
    const auto receipts = raw->take<wire::Accepted>();
    if (receipts.size() != 1 || !receipts[0].kind) return "no receipt";
    return to_string(HandlerContract{*receipts[0].kind, std::string(receipts[0].request_type),
                                     std::string(receipts[0].response_type)});
  }

  std::uint32_t number = 0;
  int runs = 0;
};

TEST_F(Receipts, TellTheContractAndThenTheOutcome) {
  raw->send(request(1, 1, "note", receipt_ack));
  EXPECT_EQ(contract(), "am(int32)");
  EXPECT_EQ(acks(), 1u);
  raw->send(request(2, 2, "store", receipt_ack, "\"a\""));
  EXPECT_EQ(contract(), "ack(string)");
  EXPECT_EQ(acks(), 1u);
  raw->send(request(3, 3, "sum", receipt_response, "[1,2]"));
  EXPECT_EQ(contract(), "unary(array<int32>) -> float64");
  EXPECT_EQ(reply(), "2.0");
  EXPECT_EQ(runs, 3);
}

TEST_F(Receipts, AreTheSameForInlineHandlers) {
  server.add(unary("text", [](const std::string& text) { return text; }, {Execution::inline_}))
      .value();

  raw->send(request(1, 1, "text", receipt_response, "\"a\""));
  EXPECT_EQ(contract(), "unary(string) -> string");
  EXPECT_EQ(reply(), "\"a\"");

  raw->send(request(2, 1, "text", receipt_response, "7"));
  EXPECT_EQ(accepted(), 0u);
  EXPECT_EQ(nack(),
            "undecodable, not run: Failed to deserialize input: expected string, got integer");
}

TEST_F(Receipts, ComeBeforeTheOutcomeHoweverAnInlineHandlerAnswers) {
  server.add(unary("later", [](int n, Reply<int> reply) { reply(n); }, {Execution::inline_}))
      .value();

  raw->send(request(1, 1, "later", receipt_response));

  EXPECT_EQ(raw->take_order(), "accepted reply");
}

TEST_F(Receipts, AreRefusedWhereThereIsNoHandler) {
  EXPECT_EQ(refusal_of("nobody", receipt_ack),
            "handler_not_found, not run: No handler for 'nobody'");
}

TEST_F(Receipts, AreRefusedWhereTheKindDoesNotFit) {
  const std::string no_response =
      "kind_mismatch, not run: Response expectation mismatch: client expects response=true, "
      "handler provides response=false";
  const std::string response =
      "kind_mismatch, not run: Response expectation mismatch: client expects response=false, "
      "handler provides response=true";

  EXPECT_EQ(refusal_of("note", receipt_response), no_response);
  EXPECT_EQ(refusal_of("store", receipt_response, Response::bytes), no_response);
  EXPECT_EQ(refusal_of("store", receipt_ack, Response::bytes), no_response);
  EXPECT_EQ(refusal_of("sum", receipt_ack), response);
  EXPECT_EQ(refusal_of("sum", receipt_ack, Response::typed, "float64"), response);
}

TEST_F(Receipts, AreRefusedWhereTheResponseTypeDoesNotFit) {
  EXPECT_EQ(refusal_of("sum", receipt_response, Response::typed, "string", "[1]"),
            "kind_mismatch, not run: Response type mismatch: client expects 'string', handler "
            "provides 'float64'");
}

TEST_F(Receipts, AreRefusedWhereThePayloadCannotBeDecoded) {
  EXPECT_EQ(refusal_of("sum", receipt_response, Response::bytes, "", "{}"),
            "undecodable, not run: Failed to deserialize input: expected array, got map");
}

TEST_F(Receipts, ComeWhereTheExpectationFits) {
  for (const auto& [response, type] :
       {std::pair{Response::typed, "float64"}, std::pair{Response::bytes, "ignored"}}) {
    wire::Request sent = request(1, 1, "sum", receipt_response, "[1]");
    sent.expected_response = response;
    sent.expected_type = type;
    raw->send(sent);
    EXPECT_EQ(contract(), "unary(array<int32>) -> float64");
    EXPECT_EQ(reply(), "1.0");
  }
}

TEST_F(Receipts, ComeBeforeTheMessageIsQueued) {
  std::vector<Reply<int>> held;
  const auto hold = [&](int, Reply<int> reply) { held.push_back(std::move(reply)); };
  server.add(unary("hold", hold, {.concurrency_max = 1})).value();
  send_together(std::tuple{request(1, 1, "hold", receipt_response),
                           request(2, 1, "hold", receipt_response),
                           request(3, 1, "hold", receipt_response, "\"no number\""),
                           request(4, 1, "hold", receipt_response)});

  EXPECT_EQ(accepted(), 3u);
  EXPECT_EQ(nack(),
            "undecodable, not run: Failed to deserialize input: expected integer, got string");
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(held.size(), i + 1);
    held[i](1);
    raw->settle();
  }
  EXPECT_EQ(raw->take<wire::Reply>().size(), 3u);
}

TEST_F(Receipts, OfARefusedPayloadGiveThePermitBack) {
  server.add(unary("one", [](int value) { return value; }, {.concurrency_max = 1})).value();

  raw->send(request(1, 1, "one", receipt_response, "\"no number\""));
  raw->send(request(2, 1, "one", receipt_response, "6"));

  EXPECT_EQ(raw->take<wire::Nack>().size(), 1u);
  EXPECT_EQ(reply(), "6");
}

TEST_F(Receipts, FollowTheFailureOfTheHandlerItself) {
  server.add(ack("fail", [](int) -> Result<void> { return refuse("not today"); })).value();

  raw->send(request(1, 1, "fail", receipt_ack));

  EXPECT_EQ(contract(), "ack(int32)");
  EXPECT_EQ(nack(), "handler_failed, ran: not today");
}

TEST_F(Receipts, CanBeFollowedByACancel) {
  raw->send(request(1, 1, "sum", receipt_response, "[1]"), wire::Cancel{call(1)});

  EXPECT_EQ(runs, 0);
  EXPECT_EQ(nack(), "cancelled, not run: the caller cancelled it before its handler started");
}

TEST_F(Receipts, OfMessagesThatExpectNoOutcomeAreNotSent) {
  wire::Request sent = request(1, 1, "note", receipt_ack);
  sent.call = {};

  raw->send(sent);

  EXPECT_EQ(runs, 1);
  EXPECT_EQ(accepted() + acks(), 0u);
}

// ---- Told when the handler starts ----

class Acceptance : public RawCalls {
 protected:
  wire::Request asking(std::uint32_t slot, std::string_view name, std::string_view json = "1") {
    wire::Request sent = request(slot, 1, name, DeliveryMode::with_response, json);
    sent.wants_accepted = true;
    return sent;
  }
};

TEST_F(Acceptance, ComesWhenTheHandlerStartsAndNotBefore) {
  for (const Execution execution : {Execution::spawn, Execution::inline_}) {
    std::vector<Reply<int>> held;
    const auto hold = [&](int, Reply<int> reply) { held.push_back(std::move(reply)); };
    server.add(unary("hold", hold, {execution, 1})).value();
    send_together(std::tuple{asking(1, "hold"), asking(2, "hold")});

    const auto first = raw->take<wire::Accepted>();
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first[0].call, call(1));
    EXPECT_FALSE(first[0].kind);
    EXPECT_EQ(raw->take<wire::Reply>().size(), 0u);
    held.at(0)(1);
    raw->settle();
    EXPECT_EQ(raw->take<wire::Accepted>().at(0).call, call(2));
    held.at(1)(1);
    raw->settle();
    EXPECT_EQ(raw->take<wire::Reply>().size(), 2u);
    ASSERT_TRUE(server.remove("hold"));
  }
}

TEST_F(Acceptance, LeavesBeforeTheBodyOfASpawnedHandlerRuns) {
  std::size_t before = 0;
  server
      .add(unary("body",
                 [&](int) {
                   raw->settle();
                   before = accepted();
                 }))
      .value();

  raw->send(asking(1, "body"));

  EXPECT_EQ(before, 1u);
  EXPECT_EQ(acks(), 1u);
}

TEST_F(Acceptance, DoesNotComeIfTheArgumentCannotBeDecoded) {
  server.add(unary("echo", [](int value) { return value; })).value();

  raw->send(asking(1, "echo", "\"text\""));

  EXPECT_EQ(accepted(), 0u);
  EXPECT_EQ(raw->take<wire::Nack>().size(), 1u);
}

TEST_F(Acceptance, ComesForInlineHandlersToo) {
  server.add(unary("echo", [](int value) { return value; }, {Execution::inline_})).value();

  raw->send(asking(1, "echo"));
  EXPECT_EQ(accepted(), 1u);
  EXPECT_EQ(reply(), "1");

  raw->send(request(2, 1, "echo"));
  EXPECT_EQ(accepted(), 0u) << "nobody asked";
}

TEST_F(Acceptance, ComesBeforeTheOutcomeHoweverAnInlineHandlerAnswers) {
  server.add(unary("later", [](int n, Reply<int> reply) { reply(n); }, {Execution::inline_}))
      .value();

  raw->send(asking(1, "later"));

  EXPECT_EQ(raw->take_order(), "accepted reply");
}

// ---- No response ----

TEST_F(Acceptance, AHandlerWithoutAValueAcknowledges) {
  server.add(unary("nothing", [](int) {})).value();
  server.add(unary("maybe", [](int) -> Result<void> { return {}; }, {Execution::inline_})).value();

  send_together(std::tuple{request(1, 1, "nothing"), request(2, 2, "maybe")});

  EXPECT_EQ(acks(), 2u);
  EXPECT_EQ(raw->take<wire::Reply>().size(), 0u);
}

}  // namespace
}  // namespace trestle
