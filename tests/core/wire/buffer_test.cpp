// Bytes under construction keep what they hold while they grow.
#include "wire/buffer.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace trestle::wire {
namespace {

TEST(Buffer, KeepsItsBytesWhileItGrows) {
  Buffer buffer;
  std::string expected;
  for (std::size_t size = 0; size < 500; ++size) {
    const std::string part(size, static_cast<char>('a' + size % 26));
    buffer.append(as_bytes(part));
    expected += part;
  }

  EXPECT_EQ(as_text(buffer.view()), expected);
}

TEST(Buffer, KeepsItsMemoryWhenItIsCleared) {
  Buffer buffer;
  buffer.append(as_bytes("12345"));
  const std::byte* where = buffer.data();

  buffer.clear();
  buffer.append(as_bytes("678"));

  EXPECT_EQ(buffer.data(), where);
  EXPECT_EQ(as_text(buffer.view()), "678");
}

TEST(Buffer, LeavesNothingBehindWhenItMoves) {
  Buffer first;
  first.append(as_bytes("12345"));

  Buffer second = std::move(first);
  first = Buffer();
  second.append(as_bytes("6"));

  EXPECT_TRUE(first.empty());
  EXPECT_EQ(first.capacity(), 0u);
  EXPECT_EQ(as_text(second.view()), "123456");
}

TEST(Buffer, ReservesBeyondTheRecycledSizes) {
  Buffer buffer;
  buffer.append(as_bytes("12345"));

  buffer.reserve(100'000);

  EXPECT_GE(buffer.capacity(), 100'000u);
  EXPECT_EQ(as_text(buffer.view()), "12345");
}

}  // namespace
}  // namespace trestle::wire
