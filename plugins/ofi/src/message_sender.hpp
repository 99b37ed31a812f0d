// Messages to the other side, numbered and within its credits.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "handles.hpp"
#include "message_tag.hpp"
#include "receive_window.hpp"

namespace trestle::ofi {

/// What a provider takes in one message.
struct SendLimits {
  std::size_t inject_bytes = 0;   ///< copied within the call
  std::size_t segments = 1;       ///< of one message
  std::size_t message_bytes = 0;  ///< at most
};

/// Each message takes along the credits that this side owes.
class MessageSender {
 public:
  MessageSender(std::uint64_t connection, const SendLimits& limits, ReceiveWindow& window)
      : connection_(connection), limits_(limits), window_(window) {}

  /// From now on; `peer` said what it has posted.
  void open(fid_ep& endpoint, const Greeting& peer) noexcept;

  enum class Outcome {
    sent,
    full,    ///< the provider takes no more for now
    broken,  ///< see `error()`
  };

  /// The bytes are free at once. At most `limits().inject_bytes`.
  Outcome inject(MessageKind kind, std::span<const std::byte> bytes);
  /// A completion follows; the bytes are free then.
  Outcome send(MessageKind kind, std::span<const iovec> segments, std::span<void*> descriptors);

  /// Beyond `control_credits`.
  bool may_send_packets() const noexcept {
    return credits_ > control_credits || (credits_ > 0 && is_granted());
  }
  /// Not in the place of a part that the other side has prepared for.
  bool may_send_control() const noexcept { return credits_ > 0 && !is_granted(); }

  void add_credits(std::uint32_t count) noexcept { credits_ += count; }
  /// The next message may be as long as the grant says.
  bool is_granted() const noexcept { return grant_ && grant_->number == sent_; }
  const std::optional<Grant>& grant() const noexcept { return grant_; }
  void set_grant(const Grant& grant) noexcept { grant_ = grant; }
  /// Of the next message or later.
  bool is_ahead(const Grant& grant) const noexcept { return grant.number >= sent_; }

  /// The other side has said so. False: it makes no sense.
  bool take_report(const RoomReport& report);
  /// Messages to come before the one that takes a packet of `bytes` as a whole. Nothing: there is
  /// no such message, or it is too far away.
  std::optional<std::uint64_t> messages_before_room(std::size_t bytes) noexcept;
  /// The message was sent that a room is for.
  void count_filled_room() noexcept { ++rooms_filled_; }
  /// Whether a report is on its way that may bring a room for so many.
  bool awaits_room(std::size_t bytes) const noexcept {
    return rooms_filled_ != rooms_taken_ && bytes <= room_bytes_;
  }

  /// What the completion of the next message will name it.
  std::uint32_t next_number() const noexcept {
    return static_cast<std::uint32_t>(sent_ % OperationContext::numbers_max);
  }

  const SendLimits& limits() const noexcept { return limits_; }
  std::size_t peer_slot_bytes() const noexcept { return peer_slot_bytes_; }
  const sdk::Error& error() const noexcept { return error_; }

 private:
  Outcome conclude(ssize_t answer, std::uint32_t credits);
  bool add_room(const Room& room);
  void forget_passed_rooms() noexcept;

  const std::uint64_t connection_;
  const SendLimits limits_;
  ReceiveWindow& window_;
  fid_ep* endpoint_ = nullptr;
  std::size_t peer_slot_bytes_ = 0;
  std::uint64_t credits_ = 0;
  std::uint64_t sent_ = 0;  ///< messages; the number of the next one
  std::optional<Grant> grant_;
  std::deque<Room> rooms_;          ///< in order; some may have been passed
  std::size_t room_bytes_ = 0;      ///< of the last one
  std::uint64_t rooms_filled_ = 0;  ///< whole packets that took rooms
  std::uint64_t rooms_taken_ = 0;   ///< of them, as far as the other side said so
  sdk::Error error_;
};

}  // namespace trestle::ofi
