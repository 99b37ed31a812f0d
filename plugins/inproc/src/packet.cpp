// Packets: copying, lending, and taking lent bytes over.
#include "packet.hpp"

#include <cstring>
#include <utility>

namespace trestle::inproc {
namespace {

// Plain memory, not the host's: a packet passes from one host to another, and either may be gone
// before the other lets go of it.
std::unique_ptr<std::byte[]> gather(std::span<const tt_iov> segments, std::size_t size) {
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(size);
  std::size_t at = 0;
  for (const tt_iov& segment : segments) {
    if (segment.len == 0) continue;  // its base may be null
    std::memcpy(bytes.get() + at, segment.base, segment.len);
    at += segment.len;
  }
  return bytes;
}

}  // namespace

std::unique_ptr<Packet> Packet::copy_of(std::span<const tt_iov> segments, std::size_t size) {
  auto packet = std::make_unique<Packet>();
  packet->size_ = size;
  packet->own_ = gather(segments, size);
  return packet;
}

std::unique_ptr<Packet> Packet::lend(std::span<const tt_iov> segments, std::size_t size,
                                     std::uint64_t op) {
  auto packet = std::make_unique<Packet>();
  packet->size_ = size;
  packet->op_ = op;
  packet->lent_ = true;
  packet->segments_.reserve(segments.size());
  for (const tt_iov& segment : segments) {
    if (segment.len != 0) packet->segments_.push_back(segment);
  }
  return packet;
}

void Packet::become_own() {
  own_ = gather(segments_, size_);
  segments_.clear();
  lent_ = false;
}

void Packet::describe(tt_event& event) const {
  if (!lent_) {
    event.data = own_.get();
    event.len = size_;
  } else if (segments_.size() == 1) {
    event.data = segments_.front().base;
    event.len = size_;
  } else {
    event.data = segments_.data();
    event.len = segments_.size();
    event.flags |= TT_EVF_SEGS;
  }
}

void Packet::set_lender(std::shared_ptr<Link> link, Side sender) {
  lender_ = std::move(link);
  sender_ = sender;
}

}  // namespace trestle::inproc
