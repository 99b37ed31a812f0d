// Incremental decoder of packets on a byte stream; the transport reads straight into its memory.
#pragma once

#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/packet_framing.hpp>
#include <trestle/transport_kit/read_buffer.hpp>
#include <trestle/transport_kit/receive_pool.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace trestle::transport_kit {

/// Bytes in, packets out: fill part of `space()`, say how much with `commit()`, take with `next()`
/// until it needs more. Whoever stops reading calls `settle()`, before the round ends.
///
/// Packets up to `small_packet_bytes_max` are views, many per read, into the buffer that all
/// streams share. Larger ones are read into memory of their own, handed over with the packet.
/// Lifetime: views stay valid until the shared buffer's round ends.
/// A stream gets so much of it at first, or as much as it has filled before, and more as the bytes
/// arrive: what a peer announces costs it nothing, and shall cost us little.
class StreamReader final : private UnfinishedPacket {
 public:
  /// Larger packets get memory of their own.
  static constexpr std::size_t small_packet_bytes_max = 16 * 1024;
  /// Memory for the first large packet of a stream, until more has arrived.
  static constexpr std::size_t first_bytes_max = 256 * 1024;

  /// `packet_bytes_max`: a larger announced packet is refused before memory is committed.
  /// `on_give_up`: next() will fail, because other streams need the memory of this one.
  StreamReader(ReadBuffer& shared, ReceivePool& pool, std::uint64_t packet_bytes_max,
               std::function<void()> on_give_up = {});
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;
  ~StreamReader();

  /// The first packet may be no larger than that; the others as before. Before any byte came.
  void limit_first_packet(std::uint64_t bytes_max) noexcept {
    first_packet_bytes_max_ = std::min(bytes_max, packet_bytes_max_);
  }

  /// What next() found.
  enum class Outcome {
    packet,     ///< `bytes` is a whole packet
    need_more,  ///< nothing until more bytes are committed
    goodbye,    ///< the peer ended its stream in good order; nothing follows
    failed,     ///< the stream is unusable: see `error()`
  };

  /// What next() gives.
  struct Step {
    Outcome outcome;                   ///< what it is
    std::span<const std::byte> bytes;  ///< the packet, if it is one
    ReceiveBufferPtr held;             ///< owns `bytes`; null for a view
  };

  /// What the committed bytes hold next.
  Step next();

  /// Why `next` failed. TT_E_PROTOCOL: wrong preamble, or bytes after the goodbye. TT_E_TOOBIG:
  /// announced length above the limit. TT_E_NOMEM.
  const sdk::Error& error() const noexcept { return error_; }

  /// Where the stream's next bytes belong, in order; to be asked when `next` needs more.
  /// Both empty: nothing fits before the next round.
  std::array<std::span<std::byte>, 2> space();

  /// `count` bytes were written to the start of `space()`.
  void commit(std::size_t count) noexcept;

  /// Moves what `next` has not taken to memory of the stream's own.
  void settle();

  /// Whether a packet has begun and not arrived whole.
  bool is_unfinished() const noexcept { return large_ != nullptr || !input_.empty(); }
  /// Bytes and packets that came; by them one sees whether a stream goes on.
  std::uint64_t bytes_received() const noexcept { return bytes_received_; }
  std::uint64_t packets_received() const noexcept { return packets_received_; }  ///< likewise

 private:
  Step fail(tt_status code, std::string text);
  bool preamble_matches() noexcept;
  Step refuse_foreign_peer();
  std::uint64_t limit() const noexcept {
    return packets_received_ == 0 ? first_packet_bytes_max_ : packet_bytes_max_;
  }
  Step refuse_length(std::size_t length);
  Step begin_large(std::size_t length);
  Step finish_large();
  bool grow_large();
  Step fail_for_memory();
  void give_up() noexcept override;
  void drop(std::size_t count) noexcept { input_ = input_.subspan(count); }

  ReadBuffer& shared_;
  ReceivePool& pool_;
  const std::uint64_t packet_bytes_max_;
  std::uint64_t first_packet_bytes_max_;
  std::span<std::byte> input_;  ///< not taken yet; in the shared buffer, or in `rest_`
  Rest rest_;
  std::size_t preamble_seen_ = 0;
  ReceiveBufferPtr large_;  ///< of a large packet, or of its part that has come
  std::size_t large_filled_ = 0;
  std::size_t large_bytes_ = 0;                 ///< as announced
  std::size_t proven_bytes_ = first_bytes_max;  ///< of the largest packet that came whole
  std::uint64_t bytes_received_ = 0;
  std::uint64_t packets_received_ = 0;
  std::function<void()> on_give_up_;
  sdk::Error error_{TT_OK, ""};
};

}  // namespace trestle::transport_kit
