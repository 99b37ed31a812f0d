// The checksum of a packet: CRC-32C of all its bytes but those that hold it.
#pragma once

#include <cstdint>

#include "wire/packet.hpp"

namespace trestle::wire {

/// Whether a packet that starts with these bytes says that it has a checksum.
inline bool has_checksum(BytesView start) noexcept {
  return start.size() > 5 && (start[5] & std::byte{packet_has_checksum}) != std::byte{0};
}

/// Sums up a packet that comes in pieces, the first of which holds at least header and checksum.
class PacketSum {
 public:
  explicit PacketSum(BytesView first) noexcept;

  void add(BytesView piece) noexcept;
  /// Of what was added so far.
  std::uint32_t value() const noexcept { return value_; }

 private:
  std::uint32_t value_ = 0;
};

/// Writes its checksum into a packet.
void put_checksum(std::byte* packet, std::uint32_t sum) noexcept;

/// Whether a packet has to have a checksum.
enum class ChecksumRule { if_present, required };

/// Errors: connection_lost, naming both sums: the packet is damaged. Where one is required, only a
/// goodbye may come without: its sender may not know yet what was agreed.
[[nodiscard]] Result<> check_sum(const PacketView& packet, ChecksumRule rule);

/// Of a payload that travels outside of packets.
std::uint32_t payload_sum(BytesView payload) noexcept;

/// Errors: connection_lost, naming both sums: the payload is damaged.
[[nodiscard]] Result<> check_payload(BytesView payload, std::uint32_t told);

}  // namespace trestle::wire
