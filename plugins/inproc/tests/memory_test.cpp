// What packets and connections cost in memory. Replaces operator new of this executable, and with
// it that of the plugin.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "driven_transport.hpp"

namespace {

std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> live_bytes{0};

void* count(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  ++allocations;
  live_bytes += malloc_usable_size(memory);
  return memory;
}

void uncount(void* memory) {
  if (memory != nullptr) live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

}  // namespace

// Not inline: GCC takes the free() for a mismatch where it sees only one of the pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return count(std::malloc(size));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t align) {
  return count(std::aligned_alloc(static_cast<std::size_t>(align), size));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  uncount(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  uncount(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  uncount(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  uncount(memory);
}

namespace trestle::inproc::testing {
namespace {

/// Sends `bytes` and receives them, `count` times; the host holds nothing back.
void pass(Pair& pair, const std::string& bytes, int count) {
  for (int i = 0; i < count; ++i) {
    ASSERT_GE(pair.sender.send(pair.out, bytes), TT_OK);
    const auto batch = pair.receiver.progress();
    ASSERT_EQ(batch.size(), 1u);
    ASSERT_EQ(batch[0].len, bytes.size());
    if (batch[0].rx != nullptr) pair.receiver.release(batch[0].rx);
    pair.sender.progress();  // SENT, if it was lent
  }
}

class InprocMemory : public ::testing::TestWithParam<std::size_t> {};

TEST_P(InprocMemory, APacketAllocatesNothingAfterAWarmUp) {
  const std::string bytes(GetParam(), 'x');
  const std::size_t before = allocations;
  Pair pair;
  pass(pair, bytes, 1000);
  const std::size_t warm = allocations;

  pass(pair, bytes, 1000);

  EXPECT_GT(warm, before) << "nothing is counted";
  EXPECT_EQ(allocations, warm);
}

INSTANTIATE_TEST_SUITE_P(Sizes, InprocMemory,
                         ::testing::Values(0u, 64u, 1000u, 4096u, 4097u, 1u << 20));

TEST(InprocMemory, ATransportKeepsLittleOfALargeQueue) {
  constexpr std::size_t queue_bytes = 1 << 20;
  constexpr std::size_t kept_bytes_max = 32 << 10;
  Pair pair(queue_bytes);
  const std::size_t before = live_bytes;
  while (pair.sender.send(pair.out, "some bytes") == TT_OK) continue;
  const std::size_t full = live_bytes;

  while (!pair.receiver.progress().empty()) continue;

  EXPECT_GT(full, before + queue_bytes / 2) << "nothing is counted";
  EXPECT_LT(live_bytes, before + kept_bytes_max);
}

TEST(InprocMemory, AnIdleConnectionCostsLessThanTwoKibibytes) {
  constexpr std::size_t connections = 100;
  DrivenTransport receiver(1 << 20);
  DrivenTransport sender(1 << 20);
  const std::string uri = receiver.listen();
  std::vector<tt_conn*> conns(connections);
  const std::size_t before = live_bytes;

  for (tt_conn*& conn : conns) {
    conn = sender.connect(uri);
    sender.progress();
    receiver.progress();
    for (int i = 0; i < 20; ++i) ASSERT_EQ(sender.send(conn, std::string(2000, 'x')), TT_OK);
    while (!receiver.progress().empty()) continue;
  }

  EXPECT_GT(live_bytes, before) << "nothing is counted";
  EXPECT_LT((live_bytes - before) / connections, 2048u);
}

}  // namespace
}  // namespace trestle::inproc::testing
