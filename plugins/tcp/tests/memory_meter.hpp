// How much memory of the C++ heap is in use: replaces operator new of this executable.
#pragma once

#include <cstddef>

namespace trestle::tcp::testing {

/// Since the start of the program. The plugin's allocations count too.
struct MemoryUse {
  std::size_t allocations = 0;
  std::ptrdiff_t bytes = 0;
};

MemoryUse memory_use() noexcept;

/// Adds what happens in its lifetime to `total`.
class MemoryScope {
 public:
  explicit MemoryScope(MemoryUse& total) noexcept : total_(total) {}
  MemoryScope(const MemoryScope&) = delete;
  ~MemoryScope() {
    const MemoryUse now = memory_use();
    total_.allocations += now.allocations - before_.allocations;
    total_.bytes += now.bytes - before_.bytes;
  }

 private:
  MemoryUse& total_;
  MemoryUse before_ = memory_use();
};

}  // namespace trestle::tcp::testing
