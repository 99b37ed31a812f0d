// What encoding and decoding ask of the allocator.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "platform/sanitizers.hpp"
#include "sample_types.hpp"

namespace {

std::size_t allocations = 0;
std::size_t largest_bytes = 0;

}  // namespace

// Not inlined: g++ would complain of a pointer from new that goes to free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  largest_bytes = std::max(largest_bytes, size);
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
// The sanitizers' array forms do not lead to the ones above.
[[gnu::noinline]] void* operator new[](std::size_t size) {
  return operator new(size);
}
[[gnu::noinline]] void operator delete[](void* block) noexcept {
  operator delete(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept {
  operator delete(block);
}

namespace trestle::codec_test {
namespace {

template <class Work>
std::size_t allocations_of(const Work& work) {
  const std::size_t before = allocations;
  work();
  return allocations - before;
}

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

  largest_bytes = 0;
  const std::string text = refusal<std::vector<Wide>>(Codec::msgpack, nulls);

  // Fails at the first element; a trusting reserve would have asked for a gigabyte.
  EXPECT_LT(largest_bytes, 128u * 1024);
  EXPECT_EQ(text, "element '[0]': expected array, got null");
}

}  // namespace
}  // namespace trestle::codec_test
