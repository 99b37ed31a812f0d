// Counts descriptors, threads and the bytes that malloc has given out.
#include "holdings.hpp"

#include <malloc.h>

#include <filesystem>
#include <iterator>

#include "platform/sanitizers.hpp"
#include "scenario.hpp"

namespace trestle::scenarios {
namespace {

/// What is kept to be used again grows now and then. A leak, of the smallest block that malloc has,
/// grows in every pass.
constexpr int passes_max = 6;
constexpr std::size_t block_bytes = 32;

std::ptrdiff_t entries_of(const char* folder) {
  const std::filesystem::directory_iterator all(folder);
  return std::distance(begin(all), end(all));
}

std::ptrdiff_t bytes_of(const struct mallinfo2& heap) {
  return static_cast<std::ptrdiff_t>(heap.uordblks + heap.hblkhd);
}

}  // namespace

Holdings::Holdings()
    : descriptors(entries_of("/proc/self/fd")),
      threads(entries_of("/proc/self/task")),
      heap_bytes(bytes_of(::mallinfo2())) {}

void expect_nothing_left_behind(std::size_t rounds, const std::function<void()>& round) {
  const auto leak_bytes = static_cast<std::ptrdiff_t>(rounds * block_bytes);
  for (std::size_t i = 0; i < rounds / 4; ++i) round();  // what the process makes once
  std::ptrdiff_t growth_bytes = leak_bytes;

  for (int pass = 0; pass < passes_max && growth_bytes >= leak_bytes; ++pass) {
    const Holdings before;
    for (std::size_t i = 0; i < rounds; ++i) {
      round();
      if (::testing::Test::HasFatalFailure()) return;
    }
    // A library's threads end in their own time, and the kernel lists them a little longer.
    ASSERT_TRUE(eventually([&] { return Holdings().threads <= before.threads; }));
    ASSERT_TRUE(eventually([&] { return Holdings().descriptors <= before.descriptors; }));
    growth_bytes = platform::sanitized ? 0 : Holdings().heap_bytes - before.heap_bytes;
  }

  EXPECT_LT(growth_bytes, leak_bytes);
}

}  // namespace trestle::scenarios
