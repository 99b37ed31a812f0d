// Nodes that come and go leave nothing: no descriptor, no thread, no memory.
#include <malloc.h>

#include <cstddef>
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

/// What this process holds.
struct Holdings {
  std::ptrdiff_t descriptors = entries_of("/proc/self/fd");
  std::ptrdiff_t threads = entries_of("/proc/self/task");
  std::ptrdiff_t heap_bytes = bytes_of(::mallinfo2());

  static std::ptrdiff_t bytes_of(const struct mallinfo2& heap) {
    return static_cast<std::ptrdiff_t>(heap.uordblks + heap.hblkhd);
  }
};

class ComingAndGoing : public Scenario {
 protected:
  /// Two nodes begin, talk to each other, and end.
  void live_once() {
    Node server(options({.workers = 1}));
    Node client(options({.workers = 1}));
    server.add(unary("double", [](int n) { return 2 * n; })).value();
    const Peer peer = connect(client, server);
    ASSERT_EQ(peer.call<int>("double", 21).value(), 42);
  }
};

TRESTLE_OVER_EVERY_TRANSPORT(ComingAndGoing);

TEST_P(ComingAndGoing, AThousandTimesLeavesNothingBehind) {
  const std::size_t rounds = times(1000, 10'000);
  const auto leak_bytes = static_cast<std::ptrdiff_t>(rounds * block_bytes);
  for (std::size_t i = 0; i < rounds / 4; ++i) live_once();  // what the process makes once
  std::ptrdiff_t growth_bytes = leak_bytes;

  for (int pass = 0; pass < passes_max && growth_bytes >= leak_bytes; ++pass) {
    const Holdings before;
    for (std::size_t i = 0; i < rounds; ++i) live_once();
    // A library's threads end in their own time, and the kernel lists them a little longer.
    ASSERT_TRUE(eventually([&] { return Holdings().threads == before.threads; }));
    ASSERT_TRUE(eventually([&] { return Holdings().descriptors == before.descriptors; }));
    growth_bytes = platform::sanitized ? 0 : Holdings().heap_bytes - before.heap_bytes;
  }

  EXPECT_LT(growth_bytes, leak_bytes);
}

}  // namespace
}  // namespace trestle::scenarios
