// Checksums in every way that there is, compared with each other and with Boost's.
#include "platform/crc32c.hpp"

#include <gtest/gtest.h>

#include <boost/crc.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::platform {
namespace {

using Reference = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;
using Bytes = std::vector<std::byte>;

std::uint32_t reference(const Bytes& bytes) {
  Reference sum;
  sum.process_bytes(bytes.data(), bytes.size());
  return sum.checksum();
}

Bytes random_bytes(std::size_t count) {
  std::mt19937 random(static_cast<std::uint32_t>(count));
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

std::string_view name_of(Crc32cWay way) {
  switch (way) {
    case Crc32cWay::table:
      return "table";
    case Crc32cWay::instruction:
      return "instruction";
    case Crc32cWay::folding_256:
      return "folding_256";
    case Crc32cWay::folding_512:
      return "folding_512";
  }
  return "unknown";
}

/// Each test runs once for each way; those that this processor does not have are skipped.
class Crc32c : public testing::TestWithParam<Crc32cWay> {
 protected:
  void SetUp() override {
    if (!has_crc32c_way(GetParam())) {
      GTEST_SKIP() << "this processor has no " << name_of(GetParam());
    }
  }

  static std::uint32_t sum(std::uint32_t before, std::span<const std::byte> bytes) {
    return crc32c_by(GetParam(), before, bytes);
  }
};

TEST_P(Crc32c, IsThatOfTheStandard) {
  const auto digits = std::as_bytes(std::span(std::string_view("123456789")));

  EXPECT_EQ(sum(0, digits), 0xE3069283u);
  EXPECT_EQ(sum(0, {}), 0u);
}

TEST_P(Crc32c, EqualsTheReferenceAtEverySize) {
  for (std::size_t size = 0; size < 70'000; size += size < 70 ? 1 : 997) {
    const Bytes bytes = random_bytes(size);

    ASSERT_EQ(sum(0, bytes), reference(bytes)) << size;
  }
}

TEST_P(Crc32c, EqualsTheTableAtEverySizeWhateverWasBefore) {
  const Bytes bytes = random_bytes(4097);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto some = std::span(bytes).first(size);
    const auto before = static_cast<std::uint32_t>(size * 0x9E37'79B1u);

    ASSERT_EQ(sum(before, some), crc32c_by(Crc32cWay::table, before, some)) << size;
  }
}

TEST_P(Crc32c, GoesOnWhereItIsCut) {
  const Bytes bytes = random_bytes(10'000);
  const std::span whole(bytes);
  const std::uint32_t expected = reference(bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); cut += cut < 600 || cut > 9'400 ? 1 : 61) {
    ASSERT_EQ(sum(sum(0, whole.first(cut)), whole.subspan(cut)), expected) << cut;
  }
}

TEST_P(Crc32c, DoesNotCareWhereBytesLie) {
  const Bytes bytes = random_bytes(4200);
  for (std::size_t offset = 0; offset < 65; ++offset) {
    const Bytes copy(bytes.begin() + static_cast<std::ptrdiff_t>(offset), bytes.end());

    EXPECT_EQ(sum(0, std::span(bytes).subspan(offset)), reference(copy)) << offset;
  }
}

TEST_P(Crc32c, SeesEveryBit) {
  Bytes bytes = random_bytes(600);
  const std::uint32_t whole = sum(0, bytes);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const auto mask = static_cast<std::byte>(1u << bit % 8);
    bytes[bit / 8] ^= mask;

    ASSERT_NE(sum(0, bytes), whole) << bit;

    bytes[bit / 8] ^= mask;
  }
}

INSTANTIATE_TEST_SUITE_P(EachWay, Crc32c, testing::ValuesIn(crc32c_ways),
                         [](const auto& way) { return std::string(name_of(way.param)); });

TEST(FastestCrc32c, IsTheSameSum) {
  for (const std::size_t size : {0u, 1u, 64u, 255u, 256u, 4096u, 100'001u}) {
    const Bytes bytes = random_bytes(size);

    EXPECT_EQ(crc32c(0, bytes), reference(bytes)) << size;
  }
}

TEST(FastestCrc32c, HasTheWaysThatTheProcessorHas) {
#if defined(__x86_64__)
  EXPECT_EQ(has_crc32c_way(Crc32cWay::instruction), __builtin_cpu_supports("sse4.2") != 0);
  if (__builtin_cpu_supports("vpclmulqdq") == 0) {
    EXPECT_FALSE(has_crc32c_way(Crc32cWay::folding_256));
    EXPECT_FALSE(has_crc32c_way(Crc32cWay::folding_512));
  }
#endif
  EXPECT_TRUE(has_crc32c_way(Crc32cWay::table));
}

}  // namespace
}  // namespace trestle::platform
