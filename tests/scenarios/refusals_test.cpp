// Refusals: with their code, their text and whether the handler ran; the connection goes on.
#include <atomic>
#include <string>

#include "scenario.hpp"

namespace trestle::scenarios {
namespace {

class Refusals : public Scenario {
 protected:
  /// A client of a server with a handler of each kind.
  void SetUp() override {
    Scenario::SetUp();
    if (IsSkipped()) return;
    server.emplace(options({.message_bytes_max = 1u << 20}));
    client.emplace(options());
    server->add(unary("double", [this](int n) { return ++runs, 2 * n; })).value();
    server->add(ack("check", [this](int) { ++runs; })).value();
    server->add(am("note", [this](int) { ++runs; })).value();
    server->add(unary("deny", [](int n) -> Result<int> { return refuse(std::to_string(n)); }))
        .value();
    server->add(unary("size", [](BytesView bytes) { return bytes.size(); })).value();
    peer = connect(*client, *server);
  }

  template <class R>
  void expect(const Result<R>& outcome, Errc code, Ran ran, std::string_view text) {
    ASSERT_TRUE(outcome.has_error());
    EXPECT_TRUE(outcome.error().is(code)) << outcome.error();
    EXPECT_EQ(outcome.error().ran, ran) << outcome.error();
    EXPECT_THAT(outcome.error().text, ::testing::HasSubstr(std::string(text)));
    EXPECT_EQ(runs, 0);
    EXPECT_EQ(peer.call<int>("double", 21).value(), 42) << "others are served all the same";
    EXPECT_EQ(client->counters().connections, 1u);
  }

  std::atomic<int> runs = 0;
  std::optional<Node> server;
  std::optional<Node> client;
  Peer peer;
};

TRESTLE_OVER_EVERY_TRANSPORT(Refusals);

TEST_P(Refusals, NameTheHandlerThatThereIsNone) {
  expect(peer.call<int>("nobody", 1), Errc::handler_not_found, Ran::no, "No handler for 'nobody'");
}

TEST_P(Refusals, OfACallNameTheKindOfTheHandler) {
  expect(peer.call<int>("check", 1), Errc::kind_mismatch, Ran::no,
         "client expects 'unary' but handler 'check' is 'ack'");
}

TEST_P(Refusals, OfAConfirmationNameTheKindOfTheHandler) {
  expect(peer.confirm("note", 1), Errc::kind_mismatch, Ran::no, "handler 'note' is 'am'");
}

TEST_P(Refusals, OfAPayloadNameBothTypes) {
  expect(peer.call<int>("double", std::string("two")), Errc::undecodable, Ran::no,
         "expected integer, got string");
}

TEST_P(Refusals, OfTooLargeAPayloadNameTheLimit) {
  expect(peer.call<std::size_t>("size", Payload::copy(std::string(2u << 20, 'x'))),
         Errc::payload_too_large, Ran::no, std::to_string(1u << 20));
}

TEST_P(Refusals, OfReservedNamesDoNotEvenLeave) {
  const auto received = server->counters().messages_received;

  const auto refused = peer.call<int>("_secret", 1);

  EXPECT_EQ(server->counters().messages_received, received);
  expect(refused, Errc::reserved_name, Ran::no, "'_");
}

TEST_P(Refusals, ByAHandlerComeWithItsOwnText) {
  expect(peer.call<int>("deny", 4711), Errc::handler_failed, Ran::yes, "4711");
}

TEST_P(Refusals, WithAReceiptComeInItsPlace) {
  auto undelivered = peer.message("double").payload(1).detach_receipt().send().value();

  expect(std::move(undelivered).await_delivery(), Errc::kind_mismatch, Ran::no,
         "client expects response=false");
}

}  // namespace
}  // namespace trestle::scenarios
