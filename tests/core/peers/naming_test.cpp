// Handler names as numbers, and endpoint URIs as core sees them.
#include <gtest/gtest.h>
#include <trestle/handler.hpp>

#include "peers/endpoint.hpp"
#include "peers/handler_names.hpp"
#include "registry/handler_registry.hpp"

namespace trestle::peers {
namespace {

TEST(HandlerNames, TravelOnceAndAreUnderstoodAfterwards) {
  NamesSent sent;
  NamesReceived received;
  const auto first = sent.name("sum");
  EXPECT_EQ(received.resolve(first.number, first.name)->name, "sum");

  const auto again = sent.name("sum");

  EXPECT_EQ(again.name, "");
  EXPECT_EQ(received.resolve(again.number, again.name)->name, "sum");
}

TEST(HandlerNames, TravelEachTimeOnceNumbersRunOut) {
  NamesSent sent;
  for (std::size_t i = 0; i < handler_numbers_max; ++i) sent.name("n" + std::to_string(i));

  const auto beyond = sent.name("beyond");

  EXPECT_EQ(beyond.number, 0u);
  EXPECT_EQ(beyond.name, "beyond");
  EXPECT_EQ(NamesReceived().resolve(beyond.number, beyond.name)->name, "beyond");
}

TEST(HandlerNames, ArePickedByTheirBytesNotByTheirAddress) {
  NamesSent sent;
  char place[] = "sum";
  const auto first = sent.name(place);
  place[0] = 'g';  // another name of equal length at the same place

  const auto other = sent.name(place);

  EXPECT_EQ(other.name, "gum");
  EXPECT_NE(other.number, first.number);
  EXPECT_EQ(sent.name("sum").number, first.number);
}

TEST(HandlerNames, KeepTheirNumbersHoweverManyThereAre) {
  NamesSent sent;
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    EXPECT_EQ(sent.name("handler." + std::to_string(i)).number, i);
  }
  EXPECT_EQ(sent.name("").number, 1001u);

  for (std::uint32_t i = 1; i <= 1000; ++i) {
    const auto again = sent.name("handler." + std::to_string(i));
    EXPECT_EQ(again.number, i);
    EXPECT_EQ(again.name, "");
  }
}

TEST(HandlerNames, HoldWhatTheReaderFoundOut) {
  const auto found = std::make_shared<registry::Entry>(am("a", [] {}));
  NamesReceived received;
  received.resolve(1, "a")->entry = found;
  received.resolve(2, "b");

  EXPECT_EQ(received.resolve(1, "")->entry, found);
  EXPECT_EQ(received.resolve(2, "")->entry, nullptr);
  EXPECT_EQ(received.resolve(0, "a")->entry, nullptr);
}

TEST(HandlerNames, AreRefusedOutOfOrderUnknownOrTwice) {
  NamesReceived received;
  EXPECT_EQ(received.resolve(2, "b"), nullptr);
  EXPECT_EQ(received.resolve(1, ""), nullptr);
  EXPECT_EQ(received.resolve(0, ""), nullptr);
  EXPECT_EQ(received.resolve(1, "a")->name, "a");
  EXPECT_EQ(received.resolve(1, "c"), nullptr);
}

TEST(HandlerNames, AreBoundedForAHostilePeer) {
  NamesReceived received;
  for (std::uint32_t i = 1; i <= handler_numbers_max; ++i) received.resolve(i, "n");

  EXPECT_EQ(received.resolve(static_cast<std::uint32_t>(handler_numbers_max) + 1, "n"), nullptr);
}

TEST(Endpoint, KeepsItsOwnOptionFromTheTransport) {
  const auto endpoint = Endpoint::parse("tcp://0.0.0.0:1?insecure=1&nodelay=0").value();

  EXPECT_TRUE(endpoint.insecure);
  EXPECT_EQ(endpoint.scheme, "tcp");
  EXPECT_EQ(endpoint.uri, "tcp://0.0.0.0:1?nodelay=0");
}

TEST(Endpoint, RefusesAnInsecureThatIsNeitherYesNorNo) {
  const auto endpoint = Endpoint::parse("tcp://0.0.0.0:1?insecure=yes");

  EXPECT_TRUE(endpoint.error().is(Errc::bad_endpoint));
  EXPECT_NE(endpoint.error().text.find("insecure=yes"), std::string::npos);
}

TEST(Endpoint, RefusesWhatIsNoUri) {
  EXPECT_TRUE(Endpoint::parse("nonsense").error().is(Errc::bad_endpoint));
}

TEST(Endpoint, KnowsAddressesThatOnlyThisHostReaches) {
  for (const char* uri :
       {"tcp://127.0.0.1:1", "tcp://127.9.9.9:1", "tcp://[::1]:1", "tcp://localhost:1"}) {
    EXPECT_TRUE(Endpoint::parse(uri).value().is_loopback()) << uri;
  }
  for (const char* uri : {"tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://10.0.0.1:1",
                          "tcp://localhost.evil.example:1", "tcp://*:1"}) {
    EXPECT_FALSE(Endpoint::parse(uri).value().is_loopback()) << uri;
  }
}

TEST(Endpoint, TakesTheNodesWayOfWaiting) {
  EXPECT_EQ(Endpoint::parse("tcp://127.0.0.1:1?spin=on").value().spin, Spin::on);
  EXPECT_EQ(Endpoint::parse("tcp://127.0.0.1:1?spin=off").value().spin, Spin::off);
  EXPECT_EQ(Endpoint::parse("tcp://127.0.0.1:1?spin=auto&nodelay=0").value().uri,
            "tcp://127.0.0.1:1?nodelay=0");
  EXPECT_EQ(Endpoint::parse("tcp://127.0.0.1:1").value().spin, std::nullopt);

  EXPECT_NE(Endpoint::parse("unix:///a?spin=fast").error().text.find("expected auto, on or off"),
            std::string::npos);
}

TEST(Endpoint, TakesTheHeartbeatOffTheUri) {
  const auto endpoint = Endpoint::parse("tcp://127.0.0.1:1?heartbeat=250ms&dead_after=2s&a=b");

  EXPECT_EQ(endpoint.value().heartbeat, std::chrono::milliseconds(250));
  EXPECT_EQ(endpoint.value().dead_after, std::chrono::seconds(2));
  EXPECT_EQ(endpoint.value().uri, "tcp://127.0.0.1:1?a=b");
  EXPECT_EQ(Endpoint::parse("unix:///a?heartbeat=off").value().heartbeat,
            std::chrono::nanoseconds(0));
  EXPECT_NE(
      Endpoint::parse("unix:///a?heartbeat=often").error().text.find("option heartbeat=often"),
      std::string::npos);
}

TEST(Endpoint, DoesNotTakeADeadAfterOfNoTime) {
  EXPECT_EQ(Endpoint::parse("unix:///a?dead_after=off").error().text,
            "option dead_after=off in 'unix:///a?dead_after=off': expected a time such as 500ms");
  EXPECT_EQ(Endpoint::parse("unix:///a?dead_after=0s").error().text,
            "option dead_after=0s in 'unix:///a?dead_after=0s': expected a time above zero; "
            "heartbeat=off turns both off");
  EXPECT_EQ(Endpoint::parse("unix:///a?heartbeat=0s").value().heartbeat,
            std::chrono::nanoseconds(0));
}

TEST(Endpoint, TakesTimesOfAYearAtMost) {
  for (const std::string key : {"heartbeat", "dead_after"}) {
    EXPECT_TRUE(Endpoint::parse("unix:///a?" + key + "=31536000s").has_value());

    EXPECT_EQ(Endpoint::parse("unix:///a?" + key + "=31536001s").error().text,
              "option " + key + "=31536001s in 'unix:///a?" + key +
                  "=31536001s': expected at most a year");
  }
}

}  // namespace
}  // namespace trestle::peers
