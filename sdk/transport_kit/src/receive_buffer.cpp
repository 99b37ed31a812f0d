// Memory of large received packets.
#include <trestle/transport_kit/receive_buffer.hpp>

#include <new>

namespace trestle::transport_kit {
namespace {

constexpr std::size_t alignment = 64;
static_assert(sizeof(ReceiveBuffer) <= alignment, "the payload follows at the next boundary");

}  // namespace

ReceiveBufferPtr ReceiveBuffer::allocate(sdk::Host host, std::size_t size) noexcept {
  void* memory = host.allocate(alignment + size, alignment);
  if (memory == nullptr) return nullptr;
  return ReceiveBufferPtr(new (memory) ReceiveBuffer(host, size));
}

std::span<std::byte> ReceiveBuffer::bytes() noexcept {
  return {reinterpret_cast<std::byte*>(this) + alignment, size_};
}

tt_rx* ReceiveBuffer::as_rx(ReceiveBufferPtr buffer) noexcept {
  return reinterpret_cast<tt_rx*>(buffer.release());
}

ReceiveBufferPtr ReceiveBuffer::from_rx(tt_rx& rx) noexcept {
  return ReceiveBufferPtr(reinterpret_cast<ReceiveBuffer*>(&rx));
}

void ReceiveBufferDeleter::operator()(ReceiveBuffer* buffer) const noexcept {
  const sdk::Host host = buffer->host_;
  const std::size_t size = alignment + buffer->capacity_;
  buffer->~ReceiveBuffer();
  host.deallocate(buffer, size, alignment);
}

}  // namespace trestle::transport_kit
