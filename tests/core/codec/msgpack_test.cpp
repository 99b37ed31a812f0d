// The bytes of MessagePack: golden ones, and hostile ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_types.hpp"

namespace trestle::codec_test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Msgpack, EncodesAStructAsTheseBytes) {
  Shape shape;
  shape.label = "tri";
  shape.points = {{1, -2}, {300, 0}};
  shape.colour = Colour::green;

  EXPECT_EQ(encoded(Codec::msgpack, shape),
            from_hex("84"
                     "a5 6c6162656c  a3 747269"        // "label": "tri"
                     "a6 706f696e7473  92"             // "points":
                     "82 a1 78 01 a1 79 fe"            // {"x": 1, "y": -2}
                     "82 a1 78 cd012c a1 79 00"        // {"x": 300, "y": 0}
                     "a6 636f6c6f7572  a5 677265656e"  // "colour": "green"
                     "a4 61726561  c0"));              // "area": null
}

TEST(Msgpack, EncodesScalarsInTheirShortestForm) {
  EXPECT_EQ(encoded(Codec::msgpack, 127), from_hex("7f"));
  EXPECT_EQ(encoded(Codec::msgpack, std::uint64_t{128}), from_hex("cc80"));
  EXPECT_EQ(encoded(Codec::msgpack, std::int64_t{-32}), from_hex("e0"));
  EXPECT_EQ(encoded(Codec::msgpack, -33), from_hex("d0df"));
  EXPECT_EQ(encoded(Codec::msgpack, std::numeric_limits<std::int64_t>::min()),
            from_hex("d3 8000000000000000"));
  EXPECT_EQ(encoded(Codec::msgpack, 1.5f), from_hex("ca 3fc00000"));
  EXPECT_EQ(encoded(Codec::msgpack, 1.5), from_hex("cb 3ff8000000000000"));
  EXPECT_EQ(encoded(Codec::msgpack, std::vector<std::byte>(2)), from_hex("c402 0000"));
}

TEST(Msgpack, DecodesIntegersInAnyForm) {
  EXPECT_EQ(decode<std::uint8_t>(Codec::msgpack, as_bytes(from_hex("cf 00000000000000ff"))).value(),
            255);
  EXPECT_EQ(decode<unsigned>(Codec::msgpack, as_bytes(from_hex("d3 0000000000000005"))).value(),
            5u);
  EXPECT_EQ(decode<int>(Codec::msgpack, as_bytes(from_hex("d1 fffe"))).value(), -2);
}

TEST(Msgpack, RefusesEveryTruncation) {
  const std::string whole = encoded(Codec::msgpack, everything());

  for (std::size_t size = 1; size < whole.size(); ++size) {
    // A copy of its own size lets the address sanitizer see any read beyond it.
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THAT(refusal<Everything>(Codec::msgpack, std::string_view(cut.data(), cut.size())),
                StartsWith("not valid MessagePack: "))
        << size;
  }
}

TEST(Msgpack, SurvivesEveryChangedByte) {
  const std::string whole = encoded(Codec::msgpack, everything());

  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {0x01, 0x20, 0x80, 0xff}) {
      std::vector<char> changed(whole.begin(), whole.end());
      changed[at] = static_cast<char>(changed[at] ^ change);
      const std::string_view bytes(changed.data(), changed.size());
      EXPECT_NE(refusal<Everything>(Codec::msgpack, bytes), "wrong code");
      (void)transcode(Codec::msgpack, Codec::json, as_bytes(bytes));
    }
  }
}

TEST(Msgpack, RefusesEveryTruncatedHeader) {
  for (int tag = 0; tag < 256; ++tag) {
    const std::vector<char> one{static_cast<char>(tag)};
    const std::string_view bytes(one.data(), 1);
    const bool is_whole = tag <= 0x80 || tag == 0x90 || tag == 0xa0 || tag == 0xc0 || tag == 0xc2 ||
                          tag == 0xc3 || tag >= 0xe0;
    EXPECT_EQ(transcode(Codec::msgpack, Codec::json, as_bytes(bytes)).has_value(), is_whole) << tag;
  }
}

TEST(Msgpack, DoesNotBelieveAnnouncedCounts) {
  // Each of these counts wraps round in 32 bits, or asks for gigabytes.
  for (const char* hex : {"dd ffffffff", "dd ffffffff 01", "df 80000000", "df ffffffff 01 01",
                          "dd 7fffffff 01", "91 dd fffffffe 01"}) {
    EXPECT_THAT(refusal<std::vector<int>>(Codec::msgpack, from_hex(hex)), HasSubstr("announces"))
        << hex;
  }
  EXPECT_THAT(refusal<std::string>(Codec::msgpack, from_hex("db ffffffff 41")),
              HasSubstr("truncated"));
  EXPECT_THAT(refusal<std::vector<std::byte>>(Codec::msgpack, from_hex("c6 ffffffff 41")),
              HasSubstr("truncated"));
}

TEST(Msgpack, RefusesTheUnusedTag) {
  EXPECT_EQ(refusal<std::vector<int>>(Codec::msgpack, from_hex("92 01 c1")),
            "not valid MessagePack: byte 0xc1 at offset 2 starts no MessagePack value");
}

TEST(Msgpack, RefusesBytesAfterTheValue) {
  EXPECT_EQ(refusal<int>(Codec::msgpack, from_hex("01 02 03")),
            "not valid MessagePack: 2 bytes follow after the value, which ends at offset 1");
}

TEST(Msgpack, RefusesMillionsOfNestedArrays) {
  EXPECT_THAT(refusal<Tree>(Codec::msgpack, std::string(2'000'000, '\x91')),
              HasSubstr("deeper than the limit of 32 levels"));
}

TEST(Msgpack, PassesOverExtensionsOnlyInUnknownMembers) {
  const std::string ext = from_hex("d4 05 aa");
  const std::string known = from_hex("82 a178") + ext + from_hex("a179 02");
  const std::string unknown = from_hex("83 a178 01 a17a") + ext + from_hex("a179 02");

  EXPECT_EQ(refusal<Point>(Codec::msgpack, known),
            "member 'x': expected integer, got a MessagePack extension");
  EXPECT_EQ(decode<Point>(Codec::msgpack, as_bytes(unknown)).value(), (Point{1, 2}));
}

TEST(Msgpack, RefusesKeysThatAreNotStrings) {
  EXPECT_EQ(refusal<Point>(Codec::msgpack, from_hex("81 01 02")),
            "expected a string as map key, got integer");
}

TEST(Msgpack, KeepsTextThatIsNotUtf8) {
  const std::string text = "latin1 \xe9";
  EXPECT_EQ(decode<std::string>(Codec::msgpack, as_bytes(encoded(Codec::msgpack, text))).value(),
            text);
}

}  // namespace
}  // namespace trestle::codec_test
