// One packet on its way between two ends in this process: bytes of our own, or the sender's, lent.
#pragma once

#include <trestle/thin_transport.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "side.hpp"

namespace trestle::inproc {

class Link;

/// Sends up to this many bytes are copied and never pend.
inline constexpr std::uint32_t copy_bytes_max = 4096;

/// What the receiving host knows as tt_rx, when it may hold the packet.
class Packet {
 public:
  /// Gathers `segments` into memory of the packet's own.
  static std::unique_ptr<Packet> copy_of(std::span<const tt_iov> segments, std::size_t size);

  /// Refers to `segments`, whose bytes stay the sender's; `op` is what its SENT event will say.
  static std::unique_ptr<Packet> lend(std::span<const tt_iov> segments, std::size_t size,
                                      std::uint64_t op);

  std::size_t size() const { return size_; }
  bool is_lent() const { return lent_; }
  std::uint64_t op() const { return op_; }

  /// Whether the host gets a tt_rx for it; smaller ones live until the next progress().
  bool is_held() const { return size_ > copy_bytes_max; }

  /// Moves lent bytes into memory of the packet's own: the sender has its buffers back.
  void become_own();

  /// Writes data, len and flags of the PACKET event.
  void describe(tt_event& event) const;

  /// Who is told when the host releases it; set on delivery of a lent packet.
  void set_lender(std::shared_ptr<Link> link, Side sender);
  const std::shared_ptr<Link>& lender() const { return lender_; }
  Side sender() const { return sender_; }

 private:
  std::unique_ptr<std::byte[]> own_;
  std::vector<tt_iov> segments_;
  std::size_t size_ = 0;
  std::uint64_t op_ = 0;
  bool lent_ = false;
  std::shared_ptr<Link> lender_;
  Side sender_ = Side::connector;
};

}  // namespace trestle::inproc
