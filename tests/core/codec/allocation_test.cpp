// What encoding and decoding ask of the allocator.
#include <gtest/gtest.h>

#include "fakes/counted_allocations.hpp"
#include "platform/sanitizers.hpp"
#include "sample_types.hpp"

namespace trestle::codec_test {
namespace {

using fakes::allocations_of;

TEST(Allocations, EncodingASmallStructTakesNoneOnceTheFirstWentThrough) {
  if (platform::sanitized) GTEST_SKIP() << "payloads are not recycled under sanitizers";
  const Point point{1, 2};
  for (const Codec codec : {Codec::msgpack, Codec::json}) {
    (void)encode(codec, point);
    EXPECT_EQ(allocations_of([&] { (void)encode(codec, point); }), 0u);
  }
}

TEST(Allocations, EncodingUpTo64KiBTakesNoneOnceTheFirstWentThrough) {
  if (platform::sanitized) GTEST_SKIP() << "payloads are not recycled under sanitizers";
  const std::vector<std::uint32_t> numbers(10'000, 70'000);
  (void)encode(Codec::msgpack, numbers);

  EXPECT_EQ(allocations_of([&] { (void)encode(Codec::msgpack, numbers); }), 0u);
}

TEST(Allocations, DecodingAStructOfNumbersTakesNone) {
  const auto payload = encode(Codec::msgpack, Point{1, 2});
  EXPECT_EQ(allocations_of([&] { (void)decode<Point>(Codec::msgpack, payload->view()); }), 0u);
}

TEST(Allocations, ACountThatTheBytesBackReservesLittle) {
  using Wide = std::array<std::optional<std::uint64_t>, 1024>;
  const std::string nulls = from_hex("dc ffff") + std::string(65535, '\xc0');

  fakes::forget_largest_allocation();
  const std::string text = refusal<std::vector<Wide>>(Codec::msgpack, nulls);

  // Fails at the first element; a trusting reserve would have asked for a gigabyte.
  EXPECT_LT(fakes::largest_allocation(), 128u * 1024);
  EXPECT_EQ(text, "element '[0]': expected array, got null");
}

}  // namespace
}  // namespace trestle::codec_test
