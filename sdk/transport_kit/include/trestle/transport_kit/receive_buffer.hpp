// One large packet in memory of its own, which the host may hold for as long as it likes.
#pragma once

#include <trestle/sdk/host.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace trestle::transport_kit {

class ReceiveBuffer;

/// Gives a buffer's memory back to the host.
struct ReceiveBufferDeleter {
  /// Frees it; null is not passed.
  void operator()(ReceiveBuffer* buffer) const noexcept;
};

/// Sole owner of a buffer.
using ReceiveBufferPtr = std::unique_ptr<ReceiveBuffer, ReceiveBufferDeleter>;

/// Memory from the host's allocator, 64-byte aligned, for one packet at a time. As `tt_event::rx`
/// it travels through the C ABI with `as_rx` and comes back with `from_rx`.
class ReceiveBuffer {
 public:
  /// Room for `size` bytes, not initialised; null if the host has no memory.
  static ReceiveBufferPtr allocate(sdk::Host host, std::size_t size) noexcept;

  /// As many as were asked for.
  std::span<std::byte> bytes() noexcept;

  /// What `bytes` can grow to.
  std::size_t capacity() const noexcept { return capacity_; }

  /// For the next packet: `size` is at most the capacity.
  void resize(std::size_t size) noexcept { size_ = size; }

  /// Hands the ownership to the host, until `from_rx`.
  static tt_rx* as_rx(ReceiveBufferPtr buffer) noexcept;
  /// Takes it back.
  static ReceiveBufferPtr from_rx(tt_rx& rx) noexcept;

 private:
  friend struct ReceiveBufferDeleter;
  ReceiveBuffer(sdk::Host host, std::size_t size) noexcept
      : host_(host), capacity_(size), size_(size) {}

  sdk::Host host_;
  std::size_t capacity_;
  std::size_t size_;
};

}  // namespace trestle::transport_kit
