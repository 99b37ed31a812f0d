// The rules of decoding that hold in both codecs: members, ranges, kinds, nesting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_types.hpp"

namespace trestle::codec_test {
namespace {

using testing::HasSubstr;

/// Decodes JSON text in the codec of the test, as MessagePack after transcoding.
class DecodeRules : public testing::TestWithParam<Codec> {
 protected:
  static std::string in_codec(std::string_view json) {
    return GetParam() == Codec::json ? std::string(json)
                                     : transcoded(Codec::json, Codec::msgpack, json);
  }

  template <class T>
  static std::string refused(std::string_view json) {
    return refusal<T>(GetParam(), in_codec(json));
  }

  template <class T>
  static T decoded(std::string_view json) {
    return decode<T>(GetParam(), as_bytes(in_codec(json))).value();
  }
};

TEST_P(DecodeRules, IgnoreUnknownMembersWithAllInsideThem) {
  EXPECT_EQ(
      decoded<Point>(R"({"z": [1, {"x": 5, "deep": [null, "s"]}], "y": 2, "x": 1, "a": 1.5})"),
      (Point{1, 2}));
}

TEST_P(DecodeRules, RefuseAMissingMember) {
  EXPECT_EQ(refused<Point>(R"({"x": 1})"), "member 'y': missing");
  EXPECT_EQ(refused<Point>("{}"), "member 'x': missing");
}

TEST_P(DecodeRules, LeaveAMissingOptionalMemberEmpty) {
  const auto shape = decoded<Shape>(R"({"label": "l", "points": [], "colour": "red"})");
  EXPECT_EQ(shape.area, std::nullopt);
  EXPECT_EQ(decoded<std::optional<int>>("null"), std::nullopt);
  EXPECT_EQ(decoded<std::optional<int>>("3"), 3);
}

TEST_P(DecodeRules, NameThePathToWhatIsWrong) {
  EXPECT_EQ(refused<Point>(R"({"x": "one", "y": 2})"), "member 'x': expected integer, got string");
  EXPECT_EQ(refused<Shape>(R"({"label": "l", "points": [{"x": 1, "y": 2}, {"x": 1, "y": null}]})"),
            "member 'points[1].y': expected integer, got null");
  EXPECT_EQ(refused<std::vector<std::vector<int>>>("[[1], [2, true]]"),
            "element '[1][1]': expected integer, got boolean");
  EXPECT_EQ((refused<std::map<std::string, Point>>(R"({"k\n": {"x": 1}})")),
            "member 'k\\x0a.y': missing");
  EXPECT_EQ(refused<Point>("[1, 2]"), "expected map, got array");
}

TEST_P(DecodeRules, RefuseIntegersOutOfRangeNamingValueAndType) {
  EXPECT_EQ(refused<std::uint8_t>("256"), "256 does not fit uint8 (0 to 255)");
  EXPECT_EQ(refused<std::int8_t>("-129"), "-129 does not fit int8 (-128 to 127)");
  EXPECT_EQ(refused<std::uint64_t>("-1"), "-1 does not fit uint64 (0 to 18446744073709551615)");
  EXPECT_THAT(refused<std::int64_t>("9223372036854775808"),
              HasSubstr("9223372036854775808 does not fit int64"));
  EXPECT_EQ(refused<int>("1.0"), "expected integer, got floating-point number");
}

TEST_P(DecodeRules, TakeIntegersForFloats) {
  EXPECT_EQ(decoded<double>("-3"), -3.0);
  EXPECT_EQ(decoded<float>("7"), 7.0f);
  EXPECT_EQ(decoded<double>("18446744073709551615"), 18446744073709551616.0);
  EXPECT_EQ(refused<float>("1e39"), "1e+39 does not fit float");
  EXPECT_EQ(refused<float>(R"("1")"), "expected number, got string");
}

TEST_P(DecodeRules, ListTheNamesOfAnEnum) {
  EXPECT_EQ(decoded<Colour>(R"("green")"), Colour::green);
  EXPECT_EQ(refused<Colour>(R"("purple")"), "expected one of red, green, blue; got 'purple'");
  EXPECT_EQ(refused<Colour>("7"), "expected string, got integer");
}

TEST_P(DecodeRules, RefuseTheWrongNumberOfElements) {
  EXPECT_EQ((refused<std::array<int, 2>>("[1]")), "expected 2 elements, got 1");
  EXPECT_EQ((refused<std::tuple<int, bool>>("[1, true, 2]")), "expected 2 elements, got 3");
  EXPECT_EQ((refused<std::tuple<int, bool>>("[1, 2]")),
            "element '[1]': expected boolean, got integer");
}

TEST_P(DecodeRules, TakeThirtyTwoLevelsAndNoMore) {
  std::string deepest;
  for (int level = 0; level < 31; ++level) deepest += '[';
  const std::string closing(31, ']');

  EXPECT_FALSE(
      transcode(Codec::json, GetParam(), as_bytes(deepest + "[[]]" + closing)).has_value());
  const auto fits = transcode(Codec::json, GetParam(), as_bytes(deepest + "[]" + closing));
  ASSERT_TRUE(fits.has_value()) << fits.error().text;
  EXPECT_TRUE(transcode(GetParam(), Codec::json, fits->view()).has_value());
}

INSTANTIATE_TEST_SUITE_P(InCodec, DecodeRules, testing::Values(Codec::msgpack, Codec::json),
                         [](const auto& parameter) {
                           return parameter.param == Codec::json ? "json" : "msgpack";
                         });

TEST(DuplicateKeys, AreRefusedInEitherCodec) {
  const std::string msgpack = from_hex("83 a178 01 a179 02 a178 03");
  const std::string_view json = R"({"x": 1, "y": 2, "x": 3})";
  using Map = std::map<std::string, int>;

  EXPECT_EQ(refusal<Point>(Codec::msgpack, msgpack), "member 'x': appears twice");
  EXPECT_EQ(refusal<Point>(Codec::json, json), "member 'x': appears twice");
  EXPECT_EQ(refusal<Map>(Codec::msgpack, msgpack), "key 'x' appears twice");
  EXPECT_EQ(refusal<Map>(Codec::json, json), "key 'x' appears twice");
  EXPECT_EQ(transcoded(Codec::json, Codec::msgpack, json), "key 'x' appears twice");
  EXPECT_EQ(transcoded(Codec::msgpack, Codec::json, msgpack), "key 'x' appears twice");
}

TEST(EncodeRules, RefuseAnEnumValueWithoutAName) {
  EXPECT_EQ(encoded(Codec::msgpack, std::vector{Colour::red, static_cast<Colour>(3)}),
            "element '[1]': the enum value 3 has no described name");
}

TEST(EncodeRules, RefuseToNestTooDeep) {
  Tree tree;
  for (int level = 0; level < 16; ++level) {
    Tree parent;
    parent.branches.push_back(std::move(tree));
    tree = std::move(parent);
  }
  for (const Codec codec : {Codec::msgpack, Codec::json}) {
    const auto payload = encode(codec, tree);
    ASSERT_FALSE(payload.has_value());
    EXPECT_TRUE(payload.error().is(Errc::encode_failed));
    EXPECT_THAT(payload.error().text, HasSubstr("deeper than the limit of 32 levels"));
    EXPECT_TRUE(encode(codec, tree.branches.front()).has_value());
  }
}

TEST(ErrorTexts, AreBoundedWhateverAPeerSends) {
  EXPECT_LT(refusal<Colour>(Codec::json, '"' + std::string(100'000, 'x') + '"').size(), 200u);
  EXPECT_LT(refusal<double>(Codec::json, std::string(100'000, '9')).size(), 200u);
}

}  // namespace
}  // namespace trestle::codec_test
