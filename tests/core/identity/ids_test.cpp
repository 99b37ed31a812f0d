// Printing and parsing of identities.
#include <trestle/ids.hpp>

#include <gtest/gtest.h>

namespace trestle {
namespace {

TEST(InstanceId, PrintsBigEndianHalvesAsAUuid) {
  const auto id = InstanceId::from_halves(0x0123456789abcdef, 0xfedcba9876543210);

  EXPECT_EQ(to_string(id), "01234567-89ab-cdef-fedc-ba9876543210");
  EXPECT_EQ(id.high(), 0x0123456789abcdefU);
  EXPECT_EQ(id.low(), 0xfedcba9876543210U);
}

TEST(InstanceId, ParsesWhatItPrints) {
  const InstanceId id = random_instance_id();

  EXPECT_EQ(parse_instance_id(to_string(id)), id);
}

TEST(InstanceId, RefusesTextThatIsNoUuid) {
  EXPECT_FALSE(parse_instance_id(""));
  EXPECT_FALSE(parse_instance_id("01234567-89ab-cdef-fedc-ba987654321"));
  EXPECT_FALSE(parse_instance_id("01234567-89ab-cdef-fedc-ba9876543210 "));
  EXPECT_FALSE(parse_instance_id("0123456g-89ab-cdef-fedc-ba9876543210"));
}

TEST(InstanceId, RandomOnesAreVersionFourAndDiffer) {
  const InstanceId id = random_instance_id();

  EXPECT_EQ(id.high() >> 12 & 0xF, 4U);
  EXPECT_EQ(id.low() >> 62, 2U);
  EXPECT_NE(id, random_instance_id());
}

TEST(InstanceId, NilIsOnlyTheDefault) {
  EXPECT_TRUE(InstanceId().is_nil());
  EXPECT_FALSE(random_instance_id().is_nil());
}

}  // namespace
}  // namespace trestle
