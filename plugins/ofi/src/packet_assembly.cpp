// Filling a packet in.
#include "packet_assembly.hpp"

#include <algorithm>

namespace trestle::ofi {

bool PacketAssembly::append(std::span<const std::byte> part) {
  if (part.size() > gap_end_ - cursor_) return false;
  std::copy(part.begin(), part.end(),
            memory_->bytes().begin() + static_cast<std::ptrdiff_t>(cursor_));
  cursor_ += part.size();
  cross_gap();
  return true;
}

void PacketAssembly::cross_gap() noexcept {
  if (cursor_ != gap_end_ || direct_bytes_ > 0) return;
  cursor_ = resume_at_;
  gap_end_ = resume_at_ = size();
}

std::span<std::byte> PacketAssembly::room_after(std::uint64_t parts_before,
                                                std::size_t part_bytes) {
  // Behind a gap that is not filled yet nothing can be promised.
  if (direct_bytes_ > 0 || gap_end_ != size()) return {};
  const std::size_t missing = size() - cursor_;
  const std::uint64_t in_parts = parts_before * part_bytes;
  if (missing <= in_parts + part_bytes) return {};
  return memory_->bytes().subspan(cursor_ + in_parts);
}

void PacketAssembly::expect_direct(std::span<std::byte> room) noexcept {
  gap_end_ = offset_of(room);
  direct_bytes_ = room.size();
}

bool PacketAssembly::finish_direct(std::size_t bytes) noexcept {
  if (bytes > direct_bytes_) return false;
  direct_bytes_ = 0;
  resume_at_ = gap_end_ + bytes;
  cross_gap();
  return true;
}

}  // namespace trestle::ofi
