// A packet too large for the queue: bytes of our own, or the sender's, lent.
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

/// Copies the bytes of `segments`, one behind the other, to `target`.
void gather(std::span<const tt_iov> segments, std::byte* target);
/// How many these are.
std::uint64_t size_of(std::span<const tt_iov> segments);

/// What the receiving host knows as tt_rx. Used again for later packets.
/// Threads: one; under the receiver's lock until it is delivered, then whoever releases it.
class Packet {
 public:
  /// Whose bytes they are, and what its SENT event will say.
  struct Lender {
    Link* link = nullptr;
    Side side = Side::connector;
    std::uint64_t op = 0;
  };

  /// Gathers `segments` into memory of the packet's own. Errors: throws std::bad_alloc.
  void copy(std::span<const tt_iov> segments, std::size_t size);

  /// Refers to `segments`, whose bytes stay the sender's. Errors: throws std::bad_alloc.
  void lend(std::span<const tt_iov> segments, std::size_t size, Lender lender);

  /// Moves lent bytes into memory of the packet's own: the sender has its buffers back.
  /// Errors: throws std::bad_alloc, and the bytes are still lent.
  void become_own();

  /// Forgets the bytes, whosever they are.
  void clear() {
    own_.reset();
    segments_.clear();
    lender_ = {};
    next_lent = nullptr;
  }

  std::size_t size() const { return size_; }
  bool is_lent() const { return lender_.link != nullptr; }
  const Lender& lender() const { return lender_; }

  /// Writes data, len and flags of the PACKET event.
  void describe(tt_event& event) const;

  Packet* next_lent = nullptr;  ///< the one sent after it, while both are lent and not delivered

 private:
  std::unique_ptr<std::byte[]> own_;
  std::vector<tt_iov> segments_;
  std::size_t size_ = 0;
  Lender lender_;
};

}  // namespace trestle::inproc
