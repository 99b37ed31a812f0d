// A large packet on its way in: its memory, and which of its bytes are still missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "message_memory.hpp"

namespace trestle::ofi {

/// Parts come in order, each into a receive buffer, and are copied; but for one at a time that goes
/// straight to its place, further on in the packet. What lies between is filled by later parts.
class PacketAssembly {
 public:
  explicit PacketAssembly(MessageBufferPtr memory)
      : memory_(std::move(memory)),
        gap_end_(memory_->bytes().size()),
        resume_at_(memory_->bytes().size()) {}

  /// Copies the next part. False: there are more bytes than are missing.
  bool append(std::span<const std::byte> part);

  /// Where the next part but `parts_before` may lie, if those have `part_bytes` each: the rest of
  /// the packet. Empty: it is not worth it, or such a part is awaited already.
  std::span<std::byte> room_after(std::uint64_t parts_before, std::size_t part_bytes);
  /// The bytes of `room_after` will arrive there.
  void expect_direct(std::span<std::byte> room) noexcept;
  bool expects_direct() const noexcept { return direct_bytes_ > 0; }
  /// They did; fewer are no error. False: there are more than there was room for.
  bool finish_direct(std::size_t bytes) noexcept;

  /// Of the packet.
  std::size_t size() const noexcept { return memory_->memory->bytes().size(); }
  bool is_whole() const noexcept {
    return cursor_ == gap_end_ && resume_at_ == size() && direct_bytes_ == 0;
  }
  std::size_t offset_of(std::span<std::byte> room) noexcept {
    return static_cast<std::size_t>(room.data() - memory_->bytes().data());
  }
  void* descriptor() const noexcept { return memory_->descriptor(); }
  MessageBufferPtr take() noexcept { return std::move(memory_); }

 private:
  void cross_gap() noexcept;

  MessageBufferPtr memory_;
  std::size_t cursor_ = 0;        ///< the next part goes here
  std::size_t gap_end_;           ///< and what follows is there already, up to
  std::size_t resume_at_;         ///< here
  std::size_t direct_bytes_ = 0;  ///< that are awaited at `gap_end_`
};

}  // namespace trestle::ofi
