// Counting at operator new and delete.
#include "memory_meter.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {

// Of each thread: the lookup thread's are nobody's concern.
thread_local trestle::tcp::testing::MemoryUse use;

}  // namespace

// Not inline: GCC takes the free() below for a mismatch where it sees only one of the pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  ++use.allocations;
  use.bytes += static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (memory != nullptr) use.bytes -= static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  ::operator delete(memory);
}

namespace trestle::tcp::testing {

MemoryUse memory_use() noexcept {
  return use;
}

}  // namespace trestle::tcp::testing
