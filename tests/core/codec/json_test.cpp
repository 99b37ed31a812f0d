// The text of JSON: what is written, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_types.hpp"

namespace trestle::codec_test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Json, EncodesAStructAsThisText) {
  Shape shape;
  shape.label = "tri";
  shape.points = {{1, -2}, {300, 0}};
  shape.colour = Colour::green;

  EXPECT_EQ(encoded(Codec::json, shape),
            R"({"label":"tri","points":[{"x":1,"y":-2},{"x":300,"y":0}],)"
            R"("colour":"green","area":null})");
}

TEST(Json, WritesFloatsSoThatTheyStayFloats) {
  EXPECT_EQ(encoded(Codec::json, 1.0), "1.0");
  EXPECT_EQ(encoded(Codec::json, 0.1f), "0.1");
  EXPECT_EQ(encoded(Codec::json, -1e30), "-1e+30");
}

TEST(Json, EscapesWhatMustBeEscaped) {
  EXPECT_EQ(encoded(Codec::json, std::string("a\"\\\n\r\t\x01\x1f/\x7f")),
            "\"a\\\"\\\\\\n\\r\\t\\u0001\\u001f/\x7f\"");
}

TEST(Json, CarriesBytesAsBase64) {
  const auto blob = [](std::string_view text) {
    return std::vector<std::byte>(as_bytes(text).begin(), as_bytes(text).end());
  };

  EXPECT_EQ(encoded(Codec::json, blob("foob")), R"("Zm9vYg==")");
  EXPECT_EQ(encoded(Codec::json, blob("fooba")), R"("Zm9vYmE=")");
  EXPECT_EQ(encoded(Codec::json, blob("foobar")), R"("Zm9vYmFy")");
  for (const char* bad : {R"("Zm9vYg=")", R"("Zm9vYg")", R"("Zm9v!mFy")", R"("Zm9vYh==")",
                          R"("====")", R"("Zg==Zg==")", "[1,2]", "5"}) {
    EXPECT_EQ(refusal<std::vector<std::byte>>(Codec::json, bad),
              "expected bytes as a base64 string")
        << bad;
  }
}

TEST(Json, RefusesToEncodeWhatJsonCannotHold) {
  EXPECT_EQ(encoded(Codec::json, std::numeric_limits<double>::quiet_NaN()),
            "NaN has no form in JSON; send it as MessagePack");
  EXPECT_EQ(encoded(Codec::json, std::vector{1.0f, -std::numeric_limits<float>::infinity()}),
            "element '[1]': infinity has no form in JSON; send it as MessagePack");
  EXPECT_EQ(encoded(Codec::json, Labelled{"bad \xff"}),
            "member 'label': the text is not UTF-8 at byte 4, which JSON demands");
  EXPECT_THAT(encoded(Codec::json, std::map<std::string, int>{{"\xc0\xaf", 1}}),
              HasSubstr("not UTF-8 at byte 0"));
}

TEST(Json, KnowsEveryKindOfBrokenUtf8) {
  for (const char* bad :
       {"\x80", "\xc2", "\xc1\x80", "\xe0\x9f\x80", "\xed\xa0\x80", "\xe2\x98", "\xf0\x8f\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x28\xa1", "\xf0\x9f\x98\x28"}) {
    EXPECT_THAT(encoded(Codec::json, std::string(bad)), HasSubstr("not UTF-8")) << bad;
    EXPECT_THAT(refusal<std::string>(Codec::json, '"' + std::string(bad) + '"'),
                StartsWith("not valid JSON"))
        << bad;
  }
  for (const char* good : {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(encoded(Codec::json, std::string(good)), '"' + std::string(good) + '"');
    EXPECT_EQ(refusal<std::string>(Codec::json, '"' + std::string(good) + '"'), "decoded");
  }
}

TEST(Json, RefusesBrokenTextSayingWhere) {
  EXPECT_EQ(refusal<int>(Codec::json, "[1,,2]"), "not valid JSON: syntax error at offset 3");
  EXPECT_EQ(refusal<int>(Codec::json, "[1,2"), "not valid JSON: incomplete JSON at the end");
  EXPECT_THAT(refusal<int>(Codec::json, " "), StartsWith("not valid JSON"));
  EXPECT_EQ(refusal<int>(Codec::json, "1 2"),
            "bytes follow after the JSON value, which ends at offset 2");
  EXPECT_EQ(refusal<double>(Codec::json, "1e999"), "the number '1e999' does not fit double");
  EXPECT_THAT(refusal<std::string>(Codec::json, R"("\ud800")"), StartsWith("not valid JSON"));
  EXPECT_THAT(refusal<double>(Codec::json, "NaN"), StartsWith("not valid JSON"));
}

TEST(Json, RefusesEveryTruncation) {
  const std::string whole = encoded(Codec::json, everything());

  for (std::size_t size = 1; size < whole.size(); ++size) {
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THAT(refusal<Everything>(Codec::json, std::string_view(cut.data(), cut.size())),
                StartsWith("not valid JSON: "))
        << size;
  }
}

TEST(Json, RefusesMillionsOfNestedArrays) {
  EXPECT_THAT(refusal<Tree>(Codec::json, std::string(2'000'000, '[')),
              HasSubstr("deeper than the limit of 32 levels"));
}

TEST(Json, RoundsNumbersCorrectly) {
  // Digits just beside the middle of two doubles; a parser that is one unit off shows here.
  EXPECT_EQ(decode<double>(Codec::json, as_bytes("0.1000000000000000055511151231257827")).value(),
            0.1);
  EXPECT_EQ(decode<double>(Codec::json, as_bytes("9007199254740993.00000000000001")).value(),
            9007199254740994.0);
  EXPECT_EQ(decode<double>(Codec::json, as_bytes("7.2057594037927933e16")).value(),
            72057594037927936.0);
  EXPECT_EQ(decode<double>(Codec::json, as_bytes("1e-999")).value(), 0.0);
}

TEST(Json, TakesEscapesInKeysAndTexts) {
  const auto point = decode<Point>(Codec::json, as_bytes(R"({"\u0078": 1, "y": 2})"));
  const auto text = decode<std::string>(Codec::json, as_bytes(R"("\ud83d\ude00\u0000!")"));

  EXPECT_EQ(point.value(), (Point{1, 2}));
  EXPECT_EQ(text.value(), std::string("\xf0\x9f\x98\x80\0!", 6));
}

}  // namespace
}  // namespace trestle::codec_test
