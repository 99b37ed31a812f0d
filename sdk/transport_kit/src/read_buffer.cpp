// Recycling what was read.
#include <trestle/transport_kit/read_buffer.hpp>

#include <utility>

namespace trestle::transport_kit {
namespace {

/// A few bytes must not hold a large spare for as long as their stream is silent.
bool fits(std::size_t capacity, std::size_t count) {
  constexpr std::size_t waste_max = 4;
  return capacity >= count && capacity / waste_max <= count;
}

}  // namespace

ReadBuffer::ReadBuffer() : memory_(std::make_unique_for_overwrite<std::byte[]>(round_bytes_max)) {}

void ReadBuffer::recycle() noexcept {
  used_ = 0;
  if (retired_.empty()) return;
  for (Rest& rest : retired_) {
    if (rest.capacity > spare_.capacity) spare_ = std::move(rest);
  }
  retired_.clear();
}

Rest ReadBuffer::borrow(std::size_t count) {
  if (fits(spare_.capacity, count)) return std::exchange(spare_, Rest());
  return {std::make_unique_for_overwrite<std::byte[]>(count), count};
}

void ReadBuffer::retire(Rest rest) {
  retired_.push_back(std::move(rest));
}

}  // namespace trestle::transport_kit
