// The bytes on the wire, as the README gives them.
#include <gmock/gmock.h>

#include <cstring>
#include <string>
#include <vector>

#include "../src/message_tag.hpp"

namespace trestle::ofi {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(MessageTag, HasKindAndCreditsWhereTheReadmeSays) {
  EXPECT_EQ((MessageTag{MessageKind::grant, 0xABC}.encode()), 0xABC5u);
}

TEST(MessageTag, ReadsWhatItWrote) {
  const auto read = MessageTag::decode(MessageTag{MessageKind::packet, 7}.encode());

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->kind, MessageKind::packet);
  EXPECT_EQ(read->credits, 7u);
}

TEST(MessageTag, RefusesUnknownKindsAndBits) {
  EXPECT_FALSE(MessageTag::decode(0).has_value());
  EXPECT_FALSE(MessageTag::decode(9).has_value());
  EXPECT_FALSE(MessageTag::decode(0x1'0001).has_value());
}

TEST(Greeting, HasTheLayoutThatTheReadmeGives) {
  const auto encoded = Greeting{16, 0x4000}.encode();

  EXPECT_EQ(std::memcmp(encoded.data(), "TO3\0\x10\0\0\0\0\x40\0\0", encoded.size()), 0);
}

TEST(Greeting, ReadsWhatItWroteAlsoIfTheProviderPadsIt) {
  const auto encoded = Greeting{16, 16384}.encode();
  std::string padded(reinterpret_cast<const char*>(encoded.data()), encoded.size());
  padded += std::string(44, '\0');

  const auto read = Greeting::decode(bytes_of(padded));

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->buffers, 16u);
  EXPECT_EQ(read->buffer_bytes, 16384u);
}

TEST(Greeting, RefusesWhatIsShortForeignOrUseless) {
  EXPECT_FALSE(Greeting::decode({}).has_value());
  EXPECT_FALSE(Greeting::decode(bytes_of("GET / HTTP/1.1")).has_value());
  EXPECT_FALSE(Greeting::decode(Greeting{control_credits, 16384}.encode()).has_value());
  EXPECT_FALSE(Greeting::decode(Greeting{16, Grant::encoded_bytes - 1}.encode()).has_value());
  EXPECT_FALSE(Greeting::decode(Greeting{5000, 16384}.encode()).has_value());
}

TEST(Grant, ReadsWhatItWroteAndNothingElse) {
  const auto encoded = Grant{3, 1u << 20, 5}.encode();

  const auto read = Grant::decode(encoded);

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->number, 3u);
  EXPECT_EQ(read->offset, 1u << 20);
  EXPECT_EQ(read->bytes, 5u);
  EXPECT_FALSE(Grant::decode(std::span(encoded).first(23)).has_value());
}

TEST(RoomReport, ReadsWhatItWroteAndNothingElse) {
  const auto encoded = RoomReport{.taken = 4, .rooms = {{7, 1u << 20}, {9, 5}}}.encode();

  const auto read = RoomReport::decode(encoded);

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->taken, 4u);
  ASSERT_EQ(read->rooms.size(), 2u);
  EXPECT_EQ(read->rooms[0].number, 7u);
  EXPECT_EQ(read->rooms[0].bytes, 1u << 20);
  EXPECT_EQ(read->rooms[1].number, 9u);
  EXPECT_EQ(read->rooms[1].bytes, 5u);
  EXPECT_FALSE(RoomReport::decode(std::span(encoded).first(encoded.size() - 1)).has_value());
  EXPECT_FALSE(RoomReport::decode({}).has_value());
  const std::vector<std::byte> too_many(RoomReport::encoded_bytes_max + Room::encoded_bytes);
  EXPECT_FALSE(RoomReport::decode(too_many).has_value());
}

TEST(RoomReport, MaySayThatThereAreNoRooms) {
  const auto read = RoomReport::decode(RoomReport{.taken = 4, .rooms = {}}.encode());

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->taken, 4u);
  EXPECT_TRUE(read->rooms.empty());
}

}  // namespace
}  // namespace trestle::ofi
