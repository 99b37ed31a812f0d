// operator new that counts.
#include "fakes/counted_allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> calls{0};
std::atomic<std::size_t> largest{0};

void* count(void* block, std::size_t size) noexcept {
  ++calls;
  std::size_t known = largest;
  while (known < size && !largest.compare_exchange_weak(known, size)) {
  }
  return block;
}

/// The size of what std::aligned_alloc() gives has to be a multiple of the alignment.
void* aligned(std::size_t size, std::align_val_t align) noexcept {
  const auto unit = static_cast<std::size_t>(align);
  return count(std::aligned_alloc(unit, (size + unit - 1) / unit * unit), size);
}

void* existing(void* block) {
  if (block != nullptr) return block;
  throw std::bad_alloc();
}

}  // namespace

std::size_t trestle::fakes::allocations() noexcept {
  return calls;
}

std::size_t trestle::fakes::largest_allocation() noexcept {
  return largest;
}

void trestle::fakes::forget_largest_allocation() noexcept {
  largest = 0;
}

// Not inlined: g++ would complain of a pointer from new that goes to free. All forms, as those of
// the sanitizers do not lead to each other, and libraries use them, too.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return existing(count(std::malloc(size), size));
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return count(std::malloc(size), size);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t align) {
  return existing(aligned(size, align));
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t align,
                                     const std::nothrow_t&) noexcept {
  return aligned(size, align);
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
  return operator new(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t& never) noexcept {
  return operator new(size, never);
}
[[gnu::noinline]] void* operator new[](std::size_t size, std::align_val_t align) {
  return operator new(size, align);
}
[[gnu::noinline]] void* operator new[](std::size_t size, std::align_val_t align,
                                       const std::nothrow_t& never) noexcept {
  return operator new(size, align, never);
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t,
                                       const std::nothrow_t&) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::align_val_t) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::align_val_t,
                                         const std::nothrow_t&) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete[](void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete[](void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
