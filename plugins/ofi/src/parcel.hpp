// A packet on its way out, in one message or in parts.
#pragma once

#include <sys/uio.h>
#include <trestle/thin_transport.h>

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "handles.hpp"
#include "message_memory.hpp"
#include "message_tag.hpp"

namespace trestle::ofi {

/// Segments of one send, and more than any provider takes in one message.
inline constexpr std::size_t segments_max = 64;

/// Some of a parcel's bytes, as libfabric takes them.
struct Slice {
  std::array<iovec, segments_max> segments;
  std::array<void*, segments_max> descriptors;
  std::size_t count = 0;
  std::size_t bytes = 0;
};

/// The host's bytes, or a copy. Parts come in order; see PacketAssembly for the one that does not.
class Parcel {
 public:
  /// A copy. Errors: TT_E_NOMEM.
  static sdk::Result<Parcel> copy(std::span<const tt_iov> segments, std::size_t bytes,
                                  MessageMemory& memory);
  /// Lent until `op` is reported. Errors: TT_E_NOMEM.
  static sdk::Result<Parcel> borrow(std::span<const tt_iov> segments, std::size_t bytes,
                                    std::uint64_t op, MessageMemory& memory);

  std::size_t bytes() const noexcept { return bytes_; }
  bool is_borrowed() const noexcept { return borrowed_; }
  std::uint64_t op() const noexcept { return op_; }

  /// Pieces of memory.
  std::size_t pieces() const noexcept { return segments_.size(); }

  bool was_announced() const noexcept { return announced_; }
  void set_announced() noexcept { announced_ = true; }
  /// What the next part may hold: up to `bytes_max`, and `segments_max` pieces of memory.
  void next_part(std::size_t bytes_max, std::size_t segments_max, Slice& out) const;
  void take_part(std::size_t bytes) noexcept;
  /// The part that the other side has prepared for.
  void direct_part(const Grant& grant, std::size_t segments_max, Slice& out) const;
  void take_direct(const Grant& grant, std::size_t bytes) noexcept;
  /// What other parts may still hold in front of it.
  std::size_t bytes_before(const Grant& grant) const noexcept {
    return grant.offset > cursor_ ? grant.offset - cursor_ : 0;
  }
  /// Whether such a part makes sense now.
  bool accepts(const Grant& grant) const noexcept;

  /// Whether libfabric has been given all of it.
  bool is_posted() const noexcept { return announced_ && cursor_ == bytes_ && gap_end_ == bytes_; }
  /// For a parcel that went as one message.
  void take_whole() noexcept {
    announced_ = true;
    cursor_ = bytes_;
  }
  void begin_flight() noexcept { ++in_flight_; }
  void end_flight() noexcept { --in_flight_; }
  bool is_in_flight() const noexcept { return in_flight_ > 0; }
  bool is_done() const noexcept { return is_posted() && in_flight_ == 0; }

  /// Back to where it came from.
  void release_storage();

 private:
  Parcel() = default;
  void slice(std::size_t offset, std::size_t bytes_max, std::size_t segments_max, Slice& out) const;
  void cross_gap() noexcept;

  boost::container::small_vector<tt_iov, 4> segments_;
  boost::container::small_vector<Handle<fid_mr>, 1> regions_;  ///< one for each segment, or none
  MessageBufferPtr storage_;                                   ///< null: borrowed, or empty
  std::size_t bytes_ = 0;
  std::size_t cursor_ = 0;
  std::size_t gap_end_ = 0;    ///< a direct part was or will be sent from here
  std::size_t resume_at_ = 0;  ///< up to here, if `direct_sent_`
  bool direct_sent_ = false;
  bool announced_ = false;
  bool borrowed_ = false;
  unsigned in_flight_ = 0;  ///< messages without a completion
  std::uint64_t op_ = 0;
};

}  // namespace trestle::ofi
