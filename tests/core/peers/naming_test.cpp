// Handler names as numbers, and endpoint URIs as core sees them.
#include <gtest/gtest.h>

#include "peers/endpoint.hpp"
#include "peers/handler_names.hpp"

namespace trestle::peers {
namespace {

std::string meaning(const HandlerName* handler) {
  return handler != nullptr ? handler->name : "";
}

TEST(HandlerNames, TravelOnceAndAreUnderstoodAfterwards) {
  NamesSent sent;
  NamesReceived received;
  const auto first = sent.name("sum");
  EXPECT_EQ(meaning(received.resolve(first.number, first.name)), "sum");

  const auto again = sent.name("sum");

  EXPECT_EQ(again.name, "");
  EXPECT_EQ(meaning(received.resolve(again.number, again.name)), "sum");
}

TEST(HandlerNames, TravelEachTimeOnceNumbersRunOut) {
  NamesSent sent;
  for (std::size_t i = 0; i < handler_numbers_max; ++i) sent.name("n" + std::to_string(i));

  const auto beyond = sent.name("beyond");

  EXPECT_EQ(beyond.number, 0u);
  EXPECT_EQ(beyond.name, "beyond");
  EXPECT_EQ(meaning(NamesReceived().resolve(beyond.number, beyond.name)), "beyond");
}

TEST(HandlerNames, AreRefusedOutOfOrderUnknownOrTwice) {
  NamesReceived received;
  EXPECT_EQ(meaning(received.resolve(2, "b")), "");
  EXPECT_EQ(meaning(received.resolve(1, "")), "");
  EXPECT_EQ(meaning(received.resolve(0, "")), "");
  EXPECT_EQ(meaning(received.resolve(1, "a")), "a");
  EXPECT_EQ(meaning(received.resolve(1, "c")), "");
}

TEST(HandlerNames, AreBoundedForAHostilePeer) {
  NamesReceived received;
  for (std::uint32_t i = 1; i <= handler_numbers_max; ++i) received.resolve(i, "n");

  EXPECT_EQ(meaning(received.resolve(static_cast<std::uint32_t>(handler_numbers_max) + 1, "n")),
            "");
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

}  // namespace
}  // namespace trestle::peers
