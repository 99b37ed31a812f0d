// Bytes waiting to be written to a stream: copied, or borrowed from the host until they are gone.
#pragma once

#include <trestle/thin_transport.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace trestle::transport_kit {

/// A gather list's size in bytes, without wrapping around: SIZE_MAX if it does not fit.
std::size_t gathered_bytes(std::span<const tt_iov> segments) noexcept;

/// Drops the first `count` bytes of a gather list: what is left, with its first segment cut.
std::span<tt_iov> without_prefix(std::span<tt_iov> segments, std::size_t count) noexcept;

/// A queue of bytes with a high-water mark, written out by gather and consumed as the kernel takes
/// them. Consecutive copies share memory, so many small packets leave in one segment. An empty
/// queue keeps at most 4 KiB for the next copies, and allocates nothing for them.
class SendQueue {
 public:
  /// `bytes_max`: the high-water mark.
  explicit SendQueue(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  /// Whether `count` more bytes stay below the mark; anything is accepted when nothing waits.
  bool accepts(std::size_t count) const noexcept;

  /// Half the mark: what to wait for before senders are told to go on.
  std::size_t low_water() const noexcept { return bytes_max_ / 2; }

  /// The segments are free at once.
  void push_copied(std::span<const tt_iov> segments);

  /// Bytes that never change and never go away.
  void push_constant(std::span<const std::byte> bytes);

  /// The segments' bytes must not change until `op` comes back from `consume` or `drop`.
  void push_borrowed(std::span<const tt_iov> segments, std::uint64_t op);

  /// Fills `out` with what is first in the queue; returns the number of segments used.
  std::size_t gather(std::span<tt_iov> out) const noexcept;

  /// Number of segments that `gather` needs for everything.
  std::size_t segments() const noexcept { return chunks_.size() - first_; }

  /// `count` bytes were written; returns the ops whose buffers are the host's again.
  /// Lifetime of the list, here and below: until the next call.
  const std::vector<std::uint64_t>& consume(std::size_t count);

  /// Forgets everything; returns the ops whose buffers are the host's again.
  const std::vector<std::uint64_t>& drop();

  /// What waits.
  std::size_t bytes() const noexcept { return bytes_; }
  /// Whether nothing waits.
  bool empty() const noexcept { return bytes_ == 0; }

 private:
  struct Chunk {
    const std::byte* data = nullptr;
    std::size_t size = 0;
    std::unique_ptr<std::byte[]> storage = nullptr;  ///< null: not ours
    std::size_t capacity = 0;                        ///< of `storage`
    bool ends_op = false;
    std::uint64_t op = 0;

    std::byte* end() const noexcept { return storage.get() + (data - storage.get()) + size; }
    std::size_t room() const noexcept {
      return storage == nullptr ? 0 : capacity - static_cast<std::size_t>(end() - storage.get());
    }
  };

  std::byte* append(std::size_t count);
  void add(Chunk chunk);
  void remove_first() noexcept;

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::vector<Chunk> chunks_;  ///< those before `first_` are gone; a deque would never be empty
  std::size_t first_ = 0;
  std::unique_ptr<std::byte[]> spare_;  ///< of the smallest size
  std::vector<std::uint64_t> finished_;
};

}  // namespace trestle::transport_kit
