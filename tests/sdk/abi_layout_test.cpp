// The contract as a C++20 compiler sees it, against the golden numbers; abi_layout.c is its C side.
#include <trestle/ext/report.h>
#include <trestle/ext/stack.h>
#include <trestle/thin_transport.h>

#include <gtest/gtest.h>

namespace {

static_assert(sizeof(void*) == 8, "the golden numbers are those of 64-bit pointers");

TEST(AbiLayout, HasTheGoldenSizesOffsetsAndValues) {
#define ABI_TABLE(table, bytes) EXPECT_EQ(sizeof(table), std::size_t{bytes}) << #table;
#define ABI_MEMBER(table, member, bytes) \
  EXPECT_EQ(offsetof(table, member), std::size_t{bytes}) << #table "." #member;
#define ABI_CONSTANT(name, value) EXPECT_EQ(std::int64_t{name}, std::int64_t{value}) << #name;
#include "abi_layout.def"
}

TEST(AbiLayout, TellsWhetherATableHasAMember) {
  tt_attr attr{};

  attr.size = offsetof(tt_attr, max_iov);
  EXPECT_TRUE(TT_HAS(tt_attr, &attr, max_msg));
  EXPECT_FALSE(TT_HAS(tt_attr, &attr, max_iov));

  attr.size = sizeof(tt_attr);
  EXPECT_TRUE(TT_HAS(tt_attr, &attr, rx_hold_max));
}

}  // namespace
