// Large packets: copying, lending, and taking lent bytes over.
#include "packet.hpp"

#include <cstring>

namespace trestle::inproc {

void gather(std::span<const tt_iov> segments, std::byte* target) {
  for (const tt_iov& segment : segments) {
    if (segment.len == 0) continue;  // its base may be null
    std::memcpy(target, segment.base, segment.len);
    target += segment.len;
  }
}

std::uint64_t size_of(std::span<const tt_iov> segments) {
  std::uint64_t bytes = 0;
  for (const tt_iov& segment : segments) bytes += segment.len;
  return bytes;
}

// Plain memory, not the host's: a packet passes from one host to another, and either may be gone
// before the other lets go of it.
void Packet::copy(std::span<const tt_iov> segments, std::size_t size) {
  own_ = std::make_unique_for_overwrite<std::byte[]>(size);
  gather(segments, own_.get());
  size_ = size;
}

void Packet::lend(std::span<const tt_iov> segments, std::size_t size, Lender lender) {
  for (const tt_iov& segment : segments) {
    if (segment.len == 0) continue;
    // Not as a whole: a load of 16 bytes would wait until both of the halves, which the sender has
    // just stored one by one, have reached the cache.
    tt_iov& mine = segments_.emplace_back();
    mine.base = segment.base;
    mine.len = segment.len;
  }
  size_ = size;
  lender_ = lender;
}

void Packet::become_own() {
  copy(segments_, size_);
  segments_.clear();
  lender_ = {};
}

void Packet::describe(tt_event& event) const {
  if (!is_lent()) {
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

}  // namespace trestle::inproc
