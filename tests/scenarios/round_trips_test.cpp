// Payloads of every length arrive byte for byte, and so do their replies.
#include <cstdint>
#include <initializer_list>
#include <string>

#include "scenario.hpp"

namespace trestle::scenarios {
namespace {

/// Bytes that differ from place to place and from seed to seed, so that none can be mixed up.
std::string pattern(std::size_t bytes, std::uint32_t seed) {
  std::string text(bytes, '\0');
  std::uint32_t state = seed * 2654435761u + 1;
  for (char& byte : text) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return text;
}

constexpr std::uint32_t question = 1;
constexpr std::uint32_t answer = 2;

class RoundTrips : public Scenario {
 protected:
  /// There and back. What goes back has another pattern: no copy of the question will do.
  void exchange(std::initializer_list<std::size_t> lengths) {
    const auto check = [](BytesView bytes) -> Result<Payload> {
      if (as_text(bytes) != pattern(bytes.size(), question)) return refuse("another question");
      return Payload::copy(pattern(bytes.size(), answer));
    };
    Node server(options());
    server.add(unary("exchange", check, in_turn)).value();
    Node client(options());
    const Peer peer = connect(client, server);

    for (const std::size_t length : lengths) {
      const auto reply = peer.call<Payload>("exchange", Payload::copy(pattern(length, question)));

      ASSERT_TRUE(reply.has_value()) << length << " B: " << reply.error();
      EXPECT_TRUE(reply->text() == pattern(length, answer)) << length << " B: another answer";
    }
  }
};

TRESTLE_OVER_EVERY_TRANSPORT(RoundTrips);

TEST_P(RoundTrips, OfNothing) {
  exchange({0});
}

TEST_P(RoundTrips, OfOneByte) {
  exchange({1});
}

TEST_P(RoundTrips, OfACacheLine) {
  exchange({64});
}

TEST_P(RoundTrips, OfAPage) {
  exchange({4095, 4096, 4097});
}

TEST_P(RoundTrips, AroundTheLengthOfAPacket) {
  exchange({65'535, 65'536, 65'537});
}

TEST_P(RoundTrips, OfAMebibyte) {
  exchange({1u << 20});
}

TEST_P(RoundTrips, Of16Mebibytes) {
  exchange({16u << 20});
}

}  // namespace
}  // namespace trestle::scenarios
