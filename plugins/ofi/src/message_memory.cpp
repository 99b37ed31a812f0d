// Keeping buffers, and registering them.
#include "message_memory.hpp"

#include <rdma/fi_errno.h>
#include <algorithm>
#include <chrono>
#include <utility>

namespace trestle::ofi {
namespace {

using transport_kit::ReceiveBuffer;

/// Memory that nothing has needed for so long is given back; twice that at most.
constexpr std::chrono::nanoseconds idle_time = std::chrono::seconds(1);
/// Buffers up to this size come in powers of two, so that one fits many messages.
constexpr std::size_t rounded_bytes_max = 64 * 1024;
constexpr std::size_t kept_bytes_min = 256;

std::size_t rounded(std::size_t size) {
  if (size > rounded_bytes_max) return size;
  std::size_t capacity = kept_bytes_min;
  while (capacity < size) capacity *= 2;
  return capacity;
}

/// The host may hold a packet for long, so it must not cost much more than its bytes.
bool fits(std::size_t capacity, std::size_t size) {
  return capacity >= size && capacity / 2 <= std::max(size, kept_bytes_min);
}

}  // namespace

MessageMemory::MessageMemory(transport_kit::Loop& loop, fid_domain& domain,
                             Registration registration, std::uint64_t access)
    : loop_(loop), domain_(domain), registration_(registration), access_(access) {}

MessageBufferPtr MessageMemory::take_kept(std::size_t size) {
  // From the end: what was used last is still in the processor's cache.
  for (std::size_t i = kept_.size(); i-- > 0;) {
    const std::size_t capacity = kept_[i]->memory->capacity();
    if (!fits(capacity, size)) continue;
    MessageBufferPtr buffer = std::move(kept_[i]);
    kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(i));
    kept_bytes_ -= capacity;
    unused_ = std::min(unused_, i);
    buffer->memory->resize(size);
    return buffer;
  }
  return nullptr;
}

sdk::Result<MessageBufferPtr> MessageMemory::take(std::size_t size) {
  if (MessageBufferPtr kept = take_kept(size)) return kept;
  auto buffer = std::make_unique<MessageBuffer>();
  buffer->home = this;
  buffer->memory = ReceiveBuffer::allocate(loop_.host(), rounded(size));
  if (buffer->memory == nullptr) {
    return sdk::Error(TT_E_NOMEM, "no memory for a message of " + std::to_string(size) + " bytes");
  }
  if (registration_ == Registration::local) {
    auto region = register_bytes(buffer->bytes(), access_);
    if (region.has_error()) return region.error();
    buffer->region = std::move(*region);
  }
  buffer->memory->resize(size);
  return buffer;
}

sdk::Result<Handle<fid_mr>> MessageMemory::register_for_send(std::span<const std::byte> bytes,
                                                             std::uint64_t access) {
  if (registration_ == Registration::none || bytes.empty()) return Handle<fid_mr>();
  return register_bytes(bytes, access);
}

sdk::Result<Handle<fid_mr>> MessageMemory::register_bytes(std::span<const std::byte> bytes,
                                                          std::uint64_t access) {
  const std::string what = "register " + std::to_string(bytes.size()) + " bytes";
  const auto make = [&](fid_mr** raw) {  // a key that no other has, where the provider wants one
    return fi_mr_reg(&domain_, bytes.data(), bytes.size(), access, 0, next_key_++, 0, raw, nullptr);
  };
  auto region = open_handle<fid_mr>(what, make);
  if (region.has_error() && !kept_.empty()) {  // what is kept is locked, too
    forget_oldest(kept_.size());
    region = open_handle<fid_mr>(what, make);
  }
  if (region.has_value()) return region;
  sdk::Error error = region.error();
  error.code = TT_E_NOMEM;
  error.text += "; does the limit of locked memory (ulimit -l) suffice?";
  return error;
}

void MessageMemory::give_back(MessageBufferPtr buffer) {
  const std::size_t capacity = buffer->memory->capacity();
  if (capacity > kept_bytes_max) return;
  std::size_t excess = kept_.size() < kept_buffers_max ? 0 : 1;
  std::size_t bytes = kept_bytes_ - (excess == 1 ? kept_.front()->memory->capacity() : 0);
  while (bytes + capacity > kept_bytes_max) bytes -= kept_[excess++]->memory->capacity();
  forget_oldest(excess);
  kept_bytes_ += capacity;
  kept_.push_back(std::move(buffer));
  if (std::exchange(will_trim_, true)) return;
  loop_.set_deadline(*this, loop_.host().now() + idle_time);
}

void MessageMemory::resume(transport_kit::Pollable* reader) {
  if (reader == nullptr) return;
  loop_.enqueue(*reader);
  loop_.host().wake();
}

void MessageMemory::on_deadline() {
  forget_oldest(unused_);
  unused_ = kept_.size();
  will_trim_ = !kept_.empty();
  if (will_trim_) loop_.set_deadline(*this, loop_.host().now() + idle_time);
}

void MessageMemory::forget_oldest(std::size_t count) {
  const auto end = kept_.begin() + static_cast<std::ptrdiff_t>(count);
  std::for_each(kept_.begin(), end, [this](const MessageBufferPtr& buffer) {
    kept_bytes_ -= buffer->memory->capacity();
  });
  kept_.erase(kept_.begin(), end);
  unused_ -= std::min(unused_, count);
}

}  // namespace trestle::ofi
