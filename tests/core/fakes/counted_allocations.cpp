// operator new that counts.
#include "fakes/counted_allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::size_t> calls{0};
}  // namespace

std::size_t trestle::fakes::allocations() noexcept {
  return calls.load();
}

// Not inlined: g++ would complain of a pointer from new that goes to free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++calls;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
// The sanitizers' array forms do not lead to the ones above.
[[gnu::noinline]] void* operator new[](std::size_t size) {
  return operator new(size);
}
[[gnu::noinline]] void operator delete[](void* block) noexcept {
  operator delete(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept {
  operator delete(block);
}
