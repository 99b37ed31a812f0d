// The pool of large packets' memory: used again, bounded, given back when idle.
#include <trestle/transport_kit/receive_pool.hpp>

#include "counting_host.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace {

using namespace trestle::transport_kit;
using trestle::sdk::testing::CountingHost;

constexpr std::size_t mebibyte = 1024 * 1024;

TEST(ReceiveBuffer, SurvivesTheWayThroughTheHost) {
  CountingHost memory;
  auto buffer = ReceiveBuffer::allocate(memory.host(), 100);
  const auto bytes = buffer->bytes();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 64, 0u);

  tt_rx* rx = ReceiveBuffer::as_rx(std::move(buffer));
  EXPECT_GT(memory.live_bytes, 0u);
  ReceiveBuffer::from_rx(*rx).reset();

  EXPECT_EQ(memory.live_bytes, 0u);
}

class ReceivePoolTest : public testing::Test {
 protected:
  /// A packet of `size` bytes arrives, and the host is done with it at once.
  void pass(std::size_t size) { pool.release(*pool.lend(pool.take(size))); }

  CountingHost memory;
  ReceivePool pool{memory.host()};
};

TEST_F(ReceivePoolTest, UsesMemoryAgainForPacketsOfAboutThatSize) {
  pass(mebibyte);
  pass(mebibyte);
  pass(mebibyte * 3 / 4);
  EXPECT_EQ(memory.allocations, 1u);

  const auto shorter = pool.take(mebibyte * 3 / 4);
  EXPECT_EQ(shorter->bytes().size(), mebibyte * 3 / 4);
  EXPECT_EQ(shorter->capacity(), mebibyte);
}

TEST_F(ReceivePoolTest, HoldsNoLargeBufferForASmallPacket) {
  pass(mebibyte);

  const auto small = pool.take(mebibyte / 4);

  EXPECT_EQ(small->capacity(), mebibyte / 4);
}

TEST_F(ReceivePoolTest, NeverGivesOneBufferToTwoPackets) {
  pass(mebibyte);

  const auto first = pool.take(mebibyte);
  const auto second = pool.take(mebibyte);

  EXPECT_NE(first->bytes().data(), second->bytes().data());
}

TEST_F(ReceivePoolTest, CountsWhatTheHostHolds) {
  tt_rx* first = pool.lend(pool.take(100));
  tt_rx* second = pool.lend(pool.take(100));
  EXPECT_EQ(pool.lent(), 2u);

  pool.release(*first);
  pool.release(*second);

  EXPECT_EQ(pool.lent(), 0u);
}

TEST_F(ReceivePoolTest, KeepsNoMoreThanItsBounds) {
  std::vector<tt_rx*> held;
  for (std::size_t i = 0; i < 20; ++i) held.push_back(pool.lend(pool.take(mebibyte + i)));
  for (tt_rx* rx : held) pool.release(*rx);
  EXPECT_LE(pool.kept_bytes(), ReceivePool::kept_bytes_max);
  EXPECT_GT(pool.kept_bytes(), ReceivePool::kept_bytes_max / 2);

  pass(ReceivePool::kept_bytes_max + 1);
  EXPECT_LE(pool.kept_bytes(), ReceivePool::kept_bytes_max);

  held.clear();
  for (std::size_t i = 0; i < 100; ++i) held.push_back(pool.lend(pool.take(1000)));
  for (tt_rx* rx : held) pool.release(*rx);
  EXPECT_EQ(pool.kept_bytes(), ReceivePool::kept_buffers_max * 1000) << "the latest ones";
}

TEST_F(ReceivePoolTest, FreesWhatWasNotNeededBetweenTwoTrims) {
  pass(mebibyte);
  pass(1000);
  pool.trim();
  EXPECT_EQ(pool.kept_bytes(), mebibyte + 1000) << "used a moment ago";
  pass(1000);
  pool.trim();
  EXPECT_EQ(pool.kept_bytes(), 1000u);

  pool.trim();
  EXPECT_EQ(pool.kept_bytes(), 0u);
  EXPECT_EQ(memory.live_bytes, 0u);
}

}  // namespace
