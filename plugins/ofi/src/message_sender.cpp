// Handing messages to libfabric.
#include "message_sender.hpp"

#include <rdma/fi_errno.h>

#include <algorithm>

namespace trestle::ofi {

void MessageSender::open(fid_ep& endpoint, const Greeting& peer) noexcept {
  endpoint_ = &endpoint;
  credits_ = peer.buffers;
  peer_slot_bytes_ = peer.buffer_bytes;
}

MessageSender::Outcome MessageSender::inject(MessageKind kind, std::span<const std::byte> bytes) {
  const std::uint32_t credits = window_.take_credits();
  const MessageTag tag{kind, credits};
  return conclude(
      fi_injectdata(endpoint_, bytes.data(), bytes.size(), tag.encode(), FI_ADDR_UNSPEC), credits);
}

MessageSender::Outcome MessageSender::send(MessageKind kind, std::span<const iovec> segments,
                                           std::span<void*> descriptors) {
  const std::uint32_t credits = window_.take_credits();
  fi_msg message{};
  message.msg_iov = segments.data();
  message.desc = descriptors.data();
  message.iov_count = segments.size();
  message.addr = FI_ADDR_UNSPEC;
  message.context =
      OperationContext{connection_, OperationContext::Direction::send, next_number()}.encode();
  message.data = MessageTag{kind, credits}.encode();
  return conclude(fi_sendmsg(endpoint_, &message, FI_REMOTE_CQ_DATA | FI_COMPLETION), credits);
}

bool MessageSender::take_report(const RoomReport& report) {
  if (report.taken < rooms_taken_ || report.taken > rooms_filled_) return false;
  rooms_taken_ = report.taken;
  return std::ranges::all_of(report.rooms, [&](const Room& room) { return add_room(room); });
}

bool MessageSender::add_room(const Room& room) {
  forget_passed_rooms();
  const bool is_next = rooms_.empty() || room.number > rooms_.back().number;
  if (!is_next || room.bytes == 0 || rooms_.size() >= Greeting::buffers_max) return false;
  rooms_.push_back(room);
  room_bytes_ = room.bytes;
  return true;
}

std::optional<std::uint64_t> MessageSender::messages_before_room(std::size_t bytes) noexcept {
  // An announcement and the parts behind it would be so many messages, and copied.
  const std::uint64_t passed_over_max = 1 + (bytes + peer_slot_bytes_ - 1) / peer_slot_bytes_;
  forget_passed_rooms();
  const auto fits = [&](const Room& room) { return room.bytes >= bytes; };
  const auto found = std::find_if(rooms_.begin(), rooms_.end(), fits);
  if (found == rooms_.end() || found->number - sent_ > passed_over_max) return std::nullopt;
  return found->number - sent_;
}

void MessageSender::forget_passed_rooms() noexcept {
  while (!rooms_.empty() && rooms_.front().number < sent_) rooms_.pop_front();
}

MessageSender::Outcome MessageSender::conclude(ssize_t answer, std::uint32_t credits) {
  if (answer == 0) {
    if (is_granted()) grant_.reset();
    ++sent_;
    --credits_;
    return Outcome::sent;
  }
  window_.return_credits(credits);
  if (answer == -FI_EAGAIN) return Outcome::full;
  error_ = ofi_error("cannot send", static_cast<int>(-answer));
  return Outcome::broken;
}

}  // namespace trestle::ofi
