// Values from one codec to another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_types.hpp"

namespace trestle::codec_test {
namespace {

using testing::HasSubstr;

TEST(Transcode, KeepsEveryKindOfJson) {
  for (const char* json :
       {"null", "true", "false", "0", "-1", "18446744073709551615", "-9223372036854775808", "1.0",
        "0.1", "-2.5e-10", "\"\"", "\"\xe2\x98\x83 \\n\"", "[]", "{}", "[1,[2,[3]],{}]",
        R"({"a":[true,null],"b":{"c":"d"},"":-0.5})"}) {
    const std::string msgpack = transcoded(Codec::json, Codec::msgpack, json);
    EXPECT_EQ(transcoded(Codec::msgpack, Codec::json, msgpack), json);
    EXPECT_EQ(transcoded(Codec::json, Codec::json, json), json);
    EXPECT_EQ(transcoded(Codec::msgpack, Codec::msgpack, msgpack), msgpack);
  }
}

TEST(Transcode, WritesTheShortestMessagePack) {
  EXPECT_EQ(transcoded(Codec::json, Codec::msgpack, R"({"a": [1, -1, "b"], "c": 1.5})"),
            from_hex("82 a161 93 01 ff a162 a163 cb3ff8000000000000"));
}

TEST(Transcode, GivesWhatTypedEncodingGives) {
  const std::string msgpack = encoded(Codec::msgpack, everything());
  const std::string json = encoded(Codec::json, everything());

  EXPECT_EQ(transcoded(Codec::msgpack, Codec::json, msgpack), json);
  const auto back = decode<Everything>(Codec::json, as_bytes(json));
  EXPECT_EQ(back.value(), everything());
}

TEST(Transcode, TakesNoBytesAsNull) {
  EXPECT_EQ(transcoded(Codec::json, Codec::msgpack, ""), from_hex("c0"));
  EXPECT_EQ(transcoded(Codec::msgpack, Codec::json, ""), "null");
}

TEST(Transcode, RefusesWhatTheOtherCodecCannotHold) {
  EXPECT_EQ(transcoded(Codec::msgpack, Codec::json, from_hex("81 a161 92 01 cb7ff8000000000000")),
            "member 'a[1]': NaN has no form in JSON; send it as MessagePack");
  EXPECT_EQ(transcoded(Codec::msgpack, Codec::json, from_hex("d4 05 aa")),
            "a MessagePack extension has no form in another codec");
  EXPECT_THAT(transcoded(Codec::msgpack, Codec::json, from_hex("a1 ff")), HasSubstr("not UTF-8"));
  EXPECT_EQ(transcoded(Codec::msgpack, Codec::json, from_hex("91 81 01 02")),
            "element '[0]': expected a string as map key, got integer");
}

TEST(Transcode, TellsBadInputFromBadValues) {
  const auto input = transcode(Codec::msgpack, Codec::json, as_bytes("\xc1"));
  const auto value = transcode(Codec::msgpack, Codec::json, as_bytes("\xa1\xff"));
  const auto raw = transcode(Codec::bytes, Codec::json, as_bytes("raw"));

  EXPECT_TRUE(input.error().is(Errc::undecodable));
  EXPECT_TRUE(value.error().is(Errc::encode_failed));
  EXPECT_TRUE(raw.error().is(Errc::invalid_argument));
}

}  // namespace
}  // namespace trestle::codec_test
