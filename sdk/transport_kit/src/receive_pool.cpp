// Keeping the memory of large packets for the next ones.
#include <trestle/transport_kit/receive_pool.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace trestle::transport_kit {
namespace {

/// The host may hold a packet for long, so it must not cost much more than its bytes.
bool serves(std::size_t capacity, std::size_t size) {
  return capacity >= size && capacity / 2 <= size;
}

}  // namespace

ReceivePool::ReceivePool(sdk::Host host, std::uint64_t packet_bytes_max)
    : host_(host), unfinished_bytes_max_(std::numeric_limits<std::size_t>::max()) {
  const std::uint64_t largest = unfinished_bytes_max_ / unfinished_packets_max;
  if (packet_bytes_max == 0 || packet_bytes_max > largest) return;
  unfinished_bytes_max_ = static_cast<std::size_t>(packet_bytes_max) * unfinished_packets_max;
}

ReceivePool::Place ReceivePool::find(const UnfinishedPacket& packet) noexcept {
  return std::find_if(unfinished_.begin(), unfinished_.end(),
                      [&](const Unfinished& one) { return one.packet == &packet; });
}

/// Lets those give up that hold most, and of those that hold as much who began first: it had the
/// most time to finish.
bool ReceivePool::make_room(const UnfinishedPacket& packet, std::size_t size) {
  while (size > unfinished_bytes_max_ || unfinished_bytes_ > unfinished_bytes_max_ - size) {
    const auto most =
        std::max_element(unfinished_.begin(), unfinished_.end(),
                         [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
    if (most == unfinished_.end() || most->packet == &packet) return false;
    UnfinishedPacket& loser = *most->packet;
    finish(loser);
    loser.give_up();
  }
  return true;
}

ReceiveBufferPtr ReceivePool::take_for(UnfinishedPacket& packet, std::size_t size) {
  if (!make_room(packet, size)) return nullptr;
  auto place = find(packet);
  if (place == unfinished_.end()) place = unfinished_.insert(place, {&packet, 0});
  unfinished_bytes_ += size - place->bytes;
  place->bytes = size;
  return take(size);
}

void ReceivePool::finish(const UnfinishedPacket& packet) noexcept {
  const auto place = find(packet);
  if (place == unfinished_.end()) return;
  unfinished_bytes_ -= place->bytes;
  unfinished_.erase(place);
}

ReceiveBufferPtr ReceivePool::take(std::size_t size) noexcept {
  // From the end: what was used last is still in the processor's cache.
  for (std::size_t i = kept_.size(); i-- > 0;) {
    if (!serves(kept_[i]->capacity(), size)) continue;
    ReceiveBufferPtr buffer = std::move(kept_[i]);
    kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(i));
    kept_bytes_ -= buffer->capacity();
    unused_ = std::min(unused_, i);
    buffer->resize(size);
    return buffer;
  }
  return ReceiveBuffer::allocate(host_, size);
}

tt_rx* ReceivePool::lend(ReceiveBufferPtr buffer) noexcept {
  ++lent_;
  return ReceiveBuffer::as_rx(std::move(buffer));
}

void ReceivePool::release(tt_rx& rx) {
  --lent_;
  ReceiveBufferPtr buffer = ReceiveBuffer::from_rx(rx);
  if (buffer->capacity() > kept_bytes_max) return;
  std::size_t excess = kept_.size() < kept_buffers_max ? 0 : 1;
  std::size_t bytes = kept_bytes_ - (excess == 1 ? kept_.front()->capacity() : 0);
  while (bytes + buffer->capacity() > kept_bytes_max) bytes -= kept_[excess++]->capacity();
  forget_oldest(excess);
  kept_bytes_ += buffer->capacity();
  kept_.push_back(std::move(buffer));
}

void ReceivePool::trim() noexcept {
  forget_oldest(unused_);
  unused_ = kept_.size();
}

void ReceivePool::forget_oldest(std::size_t count) noexcept {
  const auto end = kept_.begin() + static_cast<std::ptrdiff_t>(count);
  std::for_each(kept_.begin(), end,
                [this](const ReceiveBufferPtr& buffer) { kept_bytes_ -= buffer->capacity(); });
  kept_.erase(kept_.begin(), end);
  unused_ -= std::min(unused_, count);
}

}  // namespace trestle::transport_kit
