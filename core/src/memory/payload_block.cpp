// Where the memory of payloads comes from.
#include <trestle/payload.hpp>

#include <array>
#include <utility>

#include "memory/block_allocator.hpp"
#include "memory/large_blocks.hpp"

namespace trestle::detail {
namespace {

using Release = void (*)(void*) noexcept;

// One function per size: a block needs no header that says how large it is.
constexpr auto release_functions = []<std::size_t... Class>(std::index_sequence<Class...>) {
  return std::array<Release, sizeof...(Class)>{
      [](void* block) noexcept { memory::release_block(block, Class); }...};
}
(std::make_index_sequence<memory::block_classes>());

constexpr auto large_release_functions = []<std::size_t... Class>(std::index_sequence<Class...>) {
  return std::array<Release, sizeof...(Class)>{
      [](void* block) noexcept { memory::release_large(block, Class); }...};
}
(std::make_index_sequence<memory::large_classes>());

// Out of line: small payloads are most of them.
[[gnu::noinline]] PayloadBlock allocate_otherwise(std::size_t size) {
  if (platform::sanitized || size - 1 >= memory::large_bytes_max) {
    return {static_cast<std::byte*>(::operator new(size)),
            [](void* block) noexcept { ::operator delete(block); }};
  }
  const std::size_t large_class = memory::large_class(size);
  return {static_cast<std::byte*>(memory::acquire_large(large_class)),
          large_release_functions[large_class]};
}

}  // namespace

PayloadBlock allocate_payload(std::size_t size) {
  if (platform::sanitized || size - 1 >= memory::block_bytes_max) return allocate_otherwise(size);
  const std::size_t block_class = memory::block_class(size);
  return {static_cast<std::byte*>(memory::acquire_block(block_class)),
          release_functions[block_class]};
}

}  // namespace trestle::detail
