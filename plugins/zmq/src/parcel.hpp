// One message of ours, as libzmq takes it: frames that are copied, or lent with an account.
#pragma once

#include <trestle/thin_transport.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <zmq.hpp>

#include "control_message.hpp"
#include "returned_blocks.hpp"

namespace trestle::zeromq {

/// Sends up to this many bytes never borrow.
inline constexpr std::size_t copy_bytes_max = 4 * 1024;
/// From this size on, lending the buffer saves a copy that costs more than the SENT event.
inline constexpr std::size_t borrow_bytes_min = 16 * 1024;
/// Segments per send.
inline constexpr std::size_t segments_max = 64;

/// What lent and large packets are accounted to.
struct Sender {
  ReturnedBlocks& returned;
  std::uint64_t connection;
};

/// A message before libzmq has it.
class Parcel {
 public:
  explicit Parcel(const ControlMessage& message);

  /// One frame with a copy of all. Large ones carry an account: their bytes come back.
  static Parcel copied(std::span<const tt_iov> segments, std::size_t bytes, const Sender& sender);

  /// Large segments as frames of their own, in place; small ones between them are copied.
  static Parcel lent(std::span<const tt_iov> segments, std::size_t bytes, const Sender& sender,
                     std::uint64_t op);

  /// Frames in order; whoever sends moves them out.
  std::span<zmq::message_t> frames() noexcept { return frames_.empty() ? single() : frames_; }

  /// Of the packet; 0 for control messages.
  std::size_t bytes() const noexcept { return bytes_; }

  /// Whether its bytes come back to ReturnedBlocks when libzmq is done.
  bool is_accounted() const noexcept { return accounted_; }

 private:
  Parcel(std::size_t bytes, bool accounted) : bytes_(bytes), accounted_(accounted) {}
  std::span<zmq::message_t> single() noexcept { return {&first_, 1}; }

  zmq::message_t first_;                ///< the only frame, if `frames_` is empty
  std::vector<zmq::message_t> frames_;  ///< all of several
  std::size_t bytes_;
  bool accounted_;
};

}  // namespace trestle::zeromq
