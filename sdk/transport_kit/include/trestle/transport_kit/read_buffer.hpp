// The one buffer that all streams of a transport read into, a round after the other.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace trestle::transport_kit {

/// Memory of what a stream has to keep beyond a round.
struct Rest {
  std::unique_ptr<std::byte[]> memory;  ///< null: none
  std::size_t capacity = 0;             ///< in bytes
};

/// Bytes of many streams behind each other, valid until the round ends. A stream that has nothing
/// to keep needs no memory of its own, so an idle connection costs none.
/// Lifetime: longer than the streams that read into it.
class ReadBuffer {
 public:
  /// What all streams together take in a round.
  static constexpr std::size_t round_bytes_max = 128 * 1024;

  ReadBuffer();

  /// What this round has not taken yet.
  std::span<std::byte> room() noexcept { return {memory_.get() + used_, round_bytes_max - used_}; }

  /// The first `count` bytes of the room are in use until the round ends.
  void take(std::size_t count) noexcept { used_ += count; }

  /// Ends the round: nothing that was taken or retired is looked at any more.
  void recycle() noexcept;

  /// Memory for at least `count` bytes that outlives the round.
  Rest borrow(std::size_t count);

  /// Takes memory back; it stays as it is until the round ends.
  void retire(Rest rest);

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t used_ = 0;
  Rest spare_;  ///< the largest of the last round: a stream that needs one soon needs another
  std::vector<Rest> retired_;
};

}  // namespace trestle::transport_kit
