// Checksums by instruction and by table, compared with each other and with Boost's.
#include "platform/crc32c.hpp"

#include <gtest/gtest.h>

#include <boost/crc.hpp>
#include <random>
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

TEST(Crc32c, IsThatOfTheStandard) {
  const auto digits = std::as_bytes(std::span(std::string_view("123456789")));

  EXPECT_EQ(crc32c(0, digits), 0xE3069283u);
  EXPECT_EQ(crc32c_by_table(0, digits), 0xE3069283u);
  EXPECT_EQ(crc32c(0, {}), 0u);
}

TEST(Crc32c, EqualsTheReferenceAtEverySize) {
  for (std::size_t size = 0; size < 7000; size += size < 70 ? 1 : 97) {
    const Bytes bytes = random_bytes(size);

    ASSERT_EQ(crc32c(0, bytes), reference(bytes)) << size;
    ASSERT_EQ(crc32c_by_table(0, bytes), reference(bytes)) << size;
  }
}

TEST(Crc32c, GoesOnWhereItIsCut) {
  const Bytes bytes = random_bytes(10'000);
  const std::span whole(bytes);
  for (const std::size_t cut : {0u, 1u, 7u, 8u, 3071u, 3072u, 6145u, 10'000u}) {
    EXPECT_EQ(crc32c(crc32c(0, whole.first(cut)), whole.subspan(cut)), reference(bytes)) << cut;
    EXPECT_EQ(crc32c_by_table(crc32c_by_table(0, whole.first(cut)), whole.subspan(cut)),
              reference(bytes))
        << cut;
  }
}

TEST(Crc32c, DoesNotCareWhereBytesLie) {
  const Bytes bytes = random_bytes(4200);
  for (std::size_t offset = 0; offset < 9; ++offset) {
    const Bytes copy(bytes.begin() + static_cast<std::ptrdiff_t>(offset), bytes.end());

    EXPECT_EQ(crc32c(0, std::span(bytes).subspan(offset)), reference(copy)) << offset;
  }
}

TEST(Crc32c, UsesTheInstructionWhereThereIsOne) {
#if defined(__x86_64__)
  EXPECT_EQ(has_crc32c_instruction(), __builtin_cpu_supports("sse4.2") != 0);
#else
  GTEST_SKIP() << "only the compiler for x86-64 says what the processor has";
#endif
}

}  // namespace
}  // namespace trestle::platform
