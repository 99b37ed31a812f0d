// Receive buffers of one connection: posted in order, and told to the other side as credits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "device.hpp"
#include "handles.hpp"
#include "message_memory.hpp"
#include "room_forecast.hpp"

namespace trestle::ofi {

/// The n-th message of the other side goes into the n-th buffer that was posted. The other side
/// sends no more than it was told of, so that nothing ever arrives without a buffer: RDMA networks
/// retry then, slowly, and software ones keep the host awake.
class ReceiveWindow {
 public:
  /// `budget` lives longer.
  ReceiveWindow(std::uint64_t connection, std::uint32_t slots, std::size_t slot_bytes,
                RoomBudget& budget)
      : connection_(connection),
        slots_(slots),
        slot_bytes_(slot_bytes),
        budget_(budget),
        rooms_(slots) {}
  ReceiveWindow(const ReceiveWindow&) = delete;
  ReceiveWindow& operator=(const ReceiveWindow&) = delete;
  ~ReceiveWindow() { budget_.give_back(room_bytes_); }

  /// Takes memory for all slots and posts them. Errors: TT_E_NOMEM, or what the provider says.
  sdk::Result<> open(fid_ep& endpoint, MessageMemory& memory);
  /// Gives the memory back. The endpoint was closed before.
  void close();

  /// Posts a slot again. Zero, or libfabric's negative error.
  int post(std::uint32_t slot);
  /// The same with other memory for one message.
  int post(std::uint32_t slot, std::span<std::byte> target, void* descriptor);
  /// The same with memory that the slot keeps until `take_room` or `drop_room`.
  int post(std::uint32_t slot, MessageBufferPtr room);

  std::size_t room_count() const noexcept { return room_count_; }
  std::size_t room_bytes() const noexcept { return room_bytes_; }
  /// Whether the last message that was posted for has a room.
  bool ends_with_room() const noexcept { return ends_with_room_; }
  bool has_room(std::uint32_t slot) const noexcept { return rooms_[slot] != nullptr; }
  /// Whether what arrived in a slot fills a room so far that it may stay in it for long.
  bool fills_room(std::uint32_t slot, std::size_t bytes) const noexcept {
    return has_room(slot) && bytes > slot_bytes_ && bytes >= rooms_[slot]->memory->capacity() / 2;
  }
  MessageBufferPtr take_room(std::uint32_t slot) noexcept;
  void drop_room(std::uint32_t slot);

  /// Posts a slot only where fewer messages than `most` may come, and otherwise keeps it until they
  /// do: then also others that were kept. Nothing: all are posted.
  int post_up_to(std::optional<std::size_t> most, std::uint32_t slot);
  /// The number of the message that the next post is for.
  std::uint64_t next_number() const noexcept { return posted_; }
  /// Messages that may still come into what is posted.
  std::uint64_t outstanding() const noexcept { return posted_ - received_; }

  void count_arrival() noexcept { ++received_; }
  /// Messages that have arrived; the number of the next one.
  std::uint64_t arrived() const noexcept { return received_; }
  /// What arrived in a slot.
  std::span<const std::byte> bytes(std::uint32_t slot, std::size_t size) noexcept {
    if (has_room(slot)) return rooms_[slot]->bytes().first(size);
    return memory_->bytes().subspan(slot * slot_bytes_, size);
  }
  std::uint32_t slots() const noexcept { return slots_; }
  std::size_t slot_bytes() const noexcept { return slot_bytes_; }

  /// Credits for the next message to take along.
  std::uint32_t take_credits() noexcept;
  /// They did not go.
  void return_credits(std::uint32_t count) noexcept { told_ -= count; }
  /// Whether they are worth a message of their own: half of all that are not parked, or the other
  /// side has too few to send packets; and for those of control messages alone only if it has none
  /// at all, or else two sides that do not read would go on thanking each other.
  bool owes_credits() const noexcept { return would_owe_credits(0); }
  /// The same once `slots` more are posted.
  bool would_owe_credits(std::size_t slots) const noexcept;
  /// A message was not a packet's: what is posted for it counts less.
  void count_control() noexcept { ++untold_control_; }
  /// The other side hears nothing of message `number` and later ones until `tell_all`: it must know
  /// first that this one is special.
  void tell_up_to(std::uint64_t number) noexcept { tell_end_ = number; }
  void tell_all() noexcept { tell_end_ = everything; }

 private:
  static constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t untold(std::uint64_t posted) const noexcept;

  const std::uint64_t connection_;
  const std::uint32_t slots_;
  const std::size_t slot_bytes_;
  RoomBudget& budget_;
  fid_ep* endpoint_ = nullptr;
  MessageBufferPtr memory_;
  std::vector<MessageBufferPtr> rooms_;  ///< by slot; most are null
  std::vector<std::uint32_t> parked_;
  std::size_t room_count_ = 0;
  std::size_t room_bytes_ = 0;
  bool ends_with_room_ = false;
  std::uint64_t posted_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t told_ = 0;
  std::uint64_t tell_end_ = everything;
  std::uint64_t untold_control_ = 0;
};

}  // namespace trestle::ofi
