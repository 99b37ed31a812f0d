// Names of delivery modes, codecs and frame kinds.
#include <gtest/gtest.h>
#include <trestle/codec_id.hpp>
#include <trestle/delivery_mode.hpp>

#include <string>

#include "wire/frame.hpp"

namespace trestle {
namespace {

TEST(Names, OfDeliveryModesParseBack) {
  for (int value = 0; value <= 4; ++value) {
    const auto mode = static_cast<DeliveryMode>(value);

    EXPECT_NE(to_string(mode), "unknown") << value;
    EXPECT_EQ(parse_delivery_mode(to_string(mode)), mode);
  }
}

TEST(Names, OfCodecsParseBack) {
  for (int value = 0; value <= 2; ++value) {
    const auto codec = static_cast<Codec>(value);

    EXPECT_NE(to_string(codec), "unknown") << value;
    EXPECT_EQ(parse_codec(to_string(codec)), codec);
  }
}

TEST(Names, AreThoseThatToolsAndDocsUse) {
  EXPECT_EQ(to_string(DeliveryMode::with_receipt_and_response), "with_receipt_and_response");
  EXPECT_EQ(to_string(Codec::msgpack), "msgpack");
  EXPECT_EQ(to_string(wire::FrameKind::goodbye), "goodbye");
}

TEST(Names, OfUnknownNumbersAreUnknownAndParseToNothing) {
  EXPECT_EQ(to_string(static_cast<DeliveryMode>(5)), "unknown");
  EXPECT_EQ(to_string(static_cast<Codec>(3)), "unknown");
  EXPECT_EQ(to_string(static_cast<wire::FrameKind>(14)), "unknown");
  EXPECT_EQ(parse_delivery_mode("unknown"), std::nullopt);
  EXPECT_EQ(parse_codec("JSON"), std::nullopt);
  EXPECT_EQ(parse_codec(""), std::nullopt);
}

TEST(Names, OfEveryFrameKindAreKnown) {
  for (int kind = 1; kind <= 13; ++kind) {
    EXPECT_NE(to_string(static_cast<wire::FrameKind>(kind)), "unknown") << kind;
  }
}

}  // namespace
}  // namespace trestle
