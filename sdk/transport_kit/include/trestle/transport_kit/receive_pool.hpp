// Memory of large packets, used again: fresh memory costs a page fault for every 4 KiB of it.
#pragma once

#include <trestle/sdk/host.hpp>
#include <trestle/transport_kit/receive_buffer.hpp>

#include <cstddef>
#include <vector>

namespace trestle::transport_kit {

/// Hands out buffers, counts those that the host holds, and keeps a few that came back.
/// Lifetime: longer than the streams that read into its buffers.
class ReceivePool {
 public:
  /// Of all buffers that are kept for the next packets.
  static constexpr std::size_t kept_bytes_max = 4 * 1024 * 1024;
  static constexpr std::size_t kept_buffers_max = 64;  ///< likewise, how many

  /// Of buffers of that host.
  explicit ReceivePool(sdk::Host host) : host_(host) {}

  /// A buffer whose `bytes` are `size` long; null if the host has no memory.
  ReceiveBufferPtr take(std::size_t size) noexcept;

  /// Hands a packet's memory to the host, until `release`.
  tt_rx* lend(ReceiveBufferPtr buffer) noexcept;
  /// Takes it back, and maybe keeps it.
  void release(tt_rx& rx);

  /// Packets that the host holds.
  std::size_t lent() const noexcept { return lent_; }

  /// Bytes kept for the next packets.
  std::size_t kept_bytes() const noexcept { return kept_bytes_; }

  /// Frees what no packet has needed since the last call.
  void trim() noexcept;

 private:
  void forget_oldest(std::size_t count) noexcept;

  sdk::Host host_;
  std::vector<ReceiveBufferPtr> kept_;  ///< the one released last is at the end
  std::size_t kept_bytes_ = 0;
  std::size_t unused_ = 0;  ///< so many, from the oldest on, were not needed since `trim`
  std::size_t lent_ = 0;
};

}  // namespace trestle::transport_kit
