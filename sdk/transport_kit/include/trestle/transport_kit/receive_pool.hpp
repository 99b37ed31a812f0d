// Memory of large packets, used again: fresh memory costs a page fault for every 4 KiB of it.
#pragma once

#include <trestle/sdk/host.hpp>
#include <trestle/transport_kit/receive_buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trestle::transport_kit {

/// A packet on its way in, in memory of its own, of which more is announced than has come.
class UnfinishedPacket {
 public:
  /// Its memory is needed by others: gives it back, and ends its stream soon.
  virtual void give_up() noexcept = 0;

 protected:
  ~UnfinishedPacket() = default;
};

/// Hands out buffers, counts those that the host holds, and keeps a few that came back. Bounds what
/// packets hold that have not arrived whole, over all streams: if there is no room for one of them,
/// the one that holds most gives up. Lifetime: longer than the streams that read into its buffers.
class ReceivePool {
 public:
  /// What unfinished packets hold together: so many times the largest packet.
  static constexpr std::size_t unfinished_packets_max = 8;

  /// Of all buffers that are kept for the next packets.
  static constexpr std::size_t kept_bytes_max = 4 * 1024 * 1024;
  static constexpr std::size_t kept_buffers_max = 64;  ///< likewise, how many

  /// Of buffers of that host. `packet_bytes_max`: of the largest packet; 0: no bound.
  explicit ReceivePool(sdk::Host host, std::uint64_t packet_bytes_max = 0);

  /// A buffer whose `bytes` are `size` long; null if the host has no memory.
  ReceiveBufferPtr take(std::size_t size) noexcept;

  /// The same, for a packet that is on its way in, until finish(); what it got before goes back
  /// soon. Null also if there is no room for it, and no other packet holds more.
  ReceiveBufferPtr take_for(UnfinishedPacket& packet, std::size_t size);
  /// It has arrived, or will not.
  void finish(const UnfinishedPacket& packet) noexcept;
  /// What unfinished packets hold at present, and may hold.
  std::size_t unfinished_bytes() const noexcept { return unfinished_bytes_; }
  /// Likewise, at most.
  std::size_t unfinished_bytes_max() const noexcept { return unfinished_bytes_max_; }

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
  struct Unfinished {
    UnfinishedPacket* packet;
    std::size_t bytes;
  };
  using Place = std::vector<Unfinished>::iterator;
  Place find(const UnfinishedPacket& packet) noexcept;
  bool make_room(const UnfinishedPacket& packet, std::size_t size);

  sdk::Host host_;
  std::size_t unfinished_bytes_max_;
  std::size_t unfinished_bytes_ = 0;
  std::vector<Unfinished> unfinished_;  ///< in the order in which they began
  std::vector<ReceiveBufferPtr> kept_;  ///< the one released last is at the end
  std::size_t kept_bytes_ = 0;
  std::size_t unused_ = 0;  ///< so many, from the oldest on, were not needed since `trim`
  std::size_t lent_ = 0;
};

}  // namespace trestle::transport_kit
