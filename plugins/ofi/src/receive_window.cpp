// Posting receives, and counting.
#include "receive_window.hpp"

#include <algorithm>

#include "message_tag.hpp"

namespace trestle::ofi {

sdk::Result<> ReceiveWindow::open(fid_ep& endpoint, MessageMemory& memory) {
  auto taken = memory.take(slots_ * slot_bytes_);
  if (taken.has_error()) return taken.error();
  memory_ = std::move(*taken);
  endpoint_ = &endpoint;
  for (std::uint32_t slot = 0; slot < slots_; ++slot) {
    if (const int failed = post(slot); failed != 0) {
      return ofi_error("cannot post receive buffer " + std::to_string(slot + 1) + " of " +
                           std::to_string(slots_) + " (option rx_buffers)",
                       -failed);
    }
  }
  told_ = posted_;  // the greeting says so
  return {};
}

void ReceiveWindow::close() {
  for (std::uint32_t slot = 0; slot < slots_; ++slot) drop_room(slot);
  if (memory_ == nullptr) return;
  MessageMemory& home = *memory_->home;
  home.give_back(std::move(memory_));
}

int ReceiveWindow::post(std::uint32_t slot) {
  return post(slot, memory_->bytes().subspan(slot * slot_bytes_, slot_bytes_),
              memory_->descriptor());
}

int ReceiveWindow::post(std::uint32_t slot, std::span<std::byte> target, void* descriptor) {
  const OperationContext context{connection_, OperationContext::Direction::receive, slot};
  const ssize_t failed = fi_recv(endpoint_, target.data(), target.size(), descriptor,
                                 FI_ADDR_UNSPEC, context.encode());
  if (failed != 0) return static_cast<int>(failed);
  ++posted_;
  ends_with_room_ = false;
  return 0;
}

int ReceiveWindow::post(std::uint32_t slot, MessageBufferPtr room) {
  const std::size_t capacity = room->memory->capacity();
  rooms_[slot] = std::move(room);
  ++room_count_;
  room_bytes_ += capacity;
  budget_.take(capacity);
  const int failed = post(slot, rooms_[slot]->bytes(), rooms_[slot]->descriptor());
  if (failed == 0) ends_with_room_ = true;
  return failed;
}

MessageBufferPtr ReceiveWindow::take_room(std::uint32_t slot) noexcept {
  const std::size_t capacity = rooms_[slot]->memory->capacity();
  --room_count_;
  room_bytes_ -= capacity;
  budget_.give_back(capacity);
  return std::move(rooms_[slot]);
}

void ReceiveWindow::drop_room(std::uint32_t slot) {
  if (!has_room(slot)) return;
  MessageBufferPtr room = take_room(slot);
  MessageMemory& home = *room->home;
  home.give_back(std::move(room));
}

int ReceiveWindow::post_up_to(std::optional<std::size_t> most, std::uint32_t slot) {
  parked_.push_back(slot);
  while (!parked_.empty() && (!most || outstanding() < *most)) {
    if (const int failed = post(parked_.back()); failed != 0) return failed;
    parked_.pop_back();
  }
  return 0;
}

std::uint64_t ReceiveWindow::untold(std::uint64_t posted) const noexcept {
  const std::uint64_t end = std::min(posted, tell_end_);
  return end > told_ ? end - told_ : 0;
}

std::uint32_t ReceiveWindow::take_credits() noexcept {
  const auto count =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(untold(posted_), MessageTag::credits_max));
  told_ += count;
  untold_control_ = 0;
  return count;
}

bool ReceiveWindow::would_owe_credits(std::size_t slots) const noexcept {
  const std::uint64_t count = untold(posted_ + slots);
  if (count == 0) return false;
  const std::uint64_t available = told_ - received_;
  return count >= (slots_ - parked_.size()) / 2 || available == 0 ||
         (available <= control_credits && count > untold_control_);
}

}  // namespace trestle::ofi
