// Bytes waiting to be written to a stream: copied, or borrowed from the host until they are gone.
#pragma once

#include <trestle/thin_transport.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

namespace trestle::transport_kit {

/// A gather list's size in bytes, without wrapping around: SIZE_MAX if it does not fit.
std::size_t gathered_bytes(std::span<const tt_iov> segments) noexcept;

/// Drops the first `count` bytes of a gather list: what is left, with its first segment cut.
std::span<tt_iov> without_prefix(std::span<tt_iov> segments, std::size_t count) noexcept;

/// A queue of bytes with a high-water mark, written out by gather and consumed as the kernel takes
/// them. Consecutive copies share memory, so many small packets leave in one segment.
class SendQueue {
 public:
  /// `bytes_max`: the high-water mark.
  explicit SendQueue(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  /// Whether `count` more bytes stay below the mark; anything is accepted when nothing waits.
  bool accepts(std::size_t count) const noexcept;

  /// Half the mark: what to wait for before senders are told to go on.
  std::size_t low_water() const noexcept { return bytes_max_ / 2; }

  void push_copied(std::span<const tt_iov> segments);

  /// The segments' bytes must not change until `op` comes back from `consume` or `drop`.
  void push_borrowed(std::span<const tt_iov> segments, std::uint64_t op);

  /// Fills `out` with what is first in the queue; returns the number of segments used.
  std::size_t gather(std::span<tt_iov> out) const noexcept;

  /// Number of segments that `gather` needs for everything.
  std::size_t segments() const noexcept { return chunks_.size(); }

  /// `count` bytes were written; returns the ops whose buffers are the host's again.
  std::vector<std::uint64_t> consume(std::size_t count);

  /// Forgets everything; returns the ops whose buffers are the host's again.
  std::vector<std::uint64_t> drop();

  std::size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return bytes_ == 0; }

 private:
  struct Chunk {
    const std::byte* data;
    std::size_t size;
    std::unique_ptr<std::byte[]> storage;  ///< null: borrowed
    std::size_t spare = 0;                 ///< room in `storage` behind the data
    bool ends_op = false;
    std::uint64_t op = 0;
  };

  std::byte* append(std::size_t count);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::deque<Chunk> chunks_;
};

}  // namespace trestle::transport_kit
