// Keeping the memory of large packets for the next ones.
#include <trestle/transport_kit/receive_pool.hpp>

#include <algorithm>
#include <utility>

namespace trestle::transport_kit {
namespace {

/// The host may hold a packet for long, so it must not cost much more than its bytes.
bool fits(std::size_t capacity, std::size_t size) {
  return capacity >= size && capacity / 2 <= size;
}

}  // namespace

ReceiveBufferPtr ReceivePool::take(std::size_t size) noexcept {
  // From the end: what was used last is still in the processor's cache.
  for (std::size_t i = kept_.size(); i-- > 0;) {
    if (!fits(kept_[i]->capacity(), size)) continue;
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
