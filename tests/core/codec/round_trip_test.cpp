// What goes into a codec comes out of it again.
#include <gtest/gtest.h>

#include "sample_types.hpp"

namespace trestle::codec_test {
namespace {

template <class CodecConstant>
class RoundTrip : public testing::Test {
 protected:
  static constexpr Codec codec = CodecConstant::value;

  template <class T>
  static void expect_same(const T& value) {
    const auto payload = encode(codec, value);
    ASSERT_TRUE(payload.has_value()) << payload.error().text;

    const auto back = decode<T>(codec, payload->view());

    ASSERT_TRUE(back.has_value()) << back.error().text;
    EXPECT_EQ(*back, value);
  }

  template <class T>
  static void expect_limits_survive() {
    expect_same(std::numeric_limits<T>::min());
    expect_same(std::numeric_limits<T>::max());
    expect_same(T{0});
  }
};

struct CodecName {
  template <class CodecConstant>
  static std::string GetName(int) {
    return CodecConstant::value == Codec::json ? "json" : "msgpack";
  }
};

using Codecs = testing::Types<std::integral_constant<Codec, Codec::msgpack>,
                              std::integral_constant<Codec, Codec::json>>;
TYPED_TEST_SUITE(RoundTrip, Codecs, CodecName);

TYPED_TEST(RoundTrip, KeepsAStructWithEveryKindOfMember) {
  this->expect_same(everything());
}

TYPED_TEST(RoundTrip, KeepsTheLimitsOfEveryIntegerType) {
  this->template expect_limits_survive<std::int8_t>();
  this->template expect_limits_survive<std::uint8_t>();
  this->template expect_limits_survive<std::int16_t>();
  this->template expect_limits_survive<std::uint16_t>();
  this->template expect_limits_survive<std::int32_t>();
  this->template expect_limits_survive<std::uint32_t>();
  this->template expect_limits_survive<std::int64_t>();
  this->template expect_limits_survive<std::uint64_t>();
  this->template expect_limits_survive<long long>();
}

TYPED_TEST(RoundTrip, KeepsFloatsToTheLastBit) {
  for (const double value : {0.0, -0.0, 1.0, 0.1, 1.0 / 3, 1e300, -2.2250738585072014e-308, 5e-324,
                             9007199254740993.0, 1.7976931348623157e308, 123456789.123456789}) {
    this->expect_same(value);
  }
  for (const float value : {0.1f, 1.0f / 3, 3.4028235e38f, 1e-45f, 16777217.0f}) {
    this->expect_same(value);
  }
}

TYPED_TEST(RoundTrip, KeepsValuesThatOutgrowTheFirstBuffer) {
  this->expect_same(std::string(100'000, 'x'));
  this->expect_same(std::vector<std::string>(3'000, std::string(40, '\n')));
  this->expect_same(std::vector<std::uint32_t>(70'000, 70'000));
  this->expect_same(std::vector<std::byte>(70'001, std::byte{0xfe}));
}

TYPED_TEST(RoundTrip, KeepsBytesOfEveryLengthModuloThree) {
  for (std::size_t size = 0; size < 10; ++size) {
    this->expect_same(std::vector<std::byte>(size, std::byte{0xa5}));
  }
}

TYPED_TEST(RoundTrip, KeepsEveryControlCharacter) {
  std::string text;
  for (char c = 0; c < 0x7f; ++c) text += c;
  this->expect_same(text);
}

TYPED_TEST(RoundTrip, KeepsEmptyContainersAndNothing) {
  this->expect_same(std::vector<int>{});
  this->expect_same(std::map<std::string, int>{});
  this->expect_same(std::string{});
  this->expect_same(std::optional<int>{});
  this->expect_same(std::monostate{});
  this->expect_same(std::tuple<>{});
}

TYPED_TEST(RoundTrip, EncodesViewsAsWhatTheyView) {
  const std::vector<std::byte> blob(5, std::byte{9});
  const std::vector<int> numbers{1, 2, 3};
  constexpr Codec to = TestFixture::codec;

  EXPECT_EQ(encoded(to, std::string_view("text")), encoded(to, std::string("text")));
  EXPECT_EQ(encoded(to, "text"), encoded(to, std::string("text")));
  EXPECT_EQ(encoded(to, std::span(blob)), encoded(to, blob));
  EXPECT_EQ(encoded(to, std::span(numbers)), encoded(to, numbers));
}

TYPED_TEST(RoundTrip, DecodesAnEmptyPayloadAsNull) {
  EXPECT_TRUE(decode<std::monostate>(TestFixture::codec, {}).has_value());
  EXPECT_EQ(decode<std::optional<int>>(TestFixture::codec, {}).value(), std::nullopt);
  EXPECT_EQ(refusal<int>(TestFixture::codec, ""),
            "expected integer, got null (the payload is empty)");
}

TEST(BytesCodec, CarriesTextBytesAndNothing) {
  const std::vector<std::byte> blob(3, std::byte{'b'});

  EXPECT_EQ(encoded(Codec::bytes, std::string("raw")), "raw");
  EXPECT_EQ(encoded(Codec::bytes, blob), "bbb");
  EXPECT_EQ(encoded(Codec::bytes, std::monostate{}), "");
  EXPECT_EQ(decode<std::string>(Codec::bytes, as_bytes("raw")).value(), "raw");
  EXPECT_EQ(decode<std::vector<std::byte>>(Codec::bytes, as_bytes("bbb")).value(), blob);
  EXPECT_TRUE(decode<std::monostate>(Codec::bytes, {}).has_value());
}

TEST(BytesCodec, RefusesTypedValuesNamingTheCodecsToUse) {
  const auto payload = encode(Codec::bytes, 5);

  ASSERT_FALSE(payload.has_value());
  EXPECT_TRUE(payload.error().is(Errc::encode_failed));
  EXPECT_EQ(payload.error().text, "a typed value travels as msgpack or json, not as bytes");
  EXPECT_EQ(refusal<Point>(Codec::bytes, "raw"),
            "a typed value travels as msgpack or json, not as bytes");
  EXPECT_EQ(refusal<Point>(static_cast<Codec>(99), "raw"),
            "a typed value travels as msgpack or json, not as codec 99");
}

TEST(PayloadAsValue, IsPassedOnAsItIsInEveryCodec) {
  for (const Codec codec : {Codec::bytes, Codec::msgpack, Codec::json}) {
    const Payload payload = Payload::copy("\xc1 anything");

    EXPECT_EQ(encode(codec, payload)->text(), payload.text());
    EXPECT_EQ(encode(codec, Payload::copy(payload.view()))->text(), payload.text());
    EXPECT_EQ(decode<Payload>(codec, payload.view())->text(), payload.text());
  }
}

TEST(PayloadAsValue, MovesWithoutACopy) {
  Payload payload = Payload::copy("block");
  const std::byte* const block = payload.data();

  const auto same = encode(Codec::bytes, std::move(payload));

  EXPECT_EQ(same->data(), block);
}

}  // namespace
}  // namespace trestle::codec_test
