// Incremental decoder of packets on a byte stream; the transport reads straight into its memory.
#pragma once

#include <trestle/sdk/host.hpp>
#include <trestle/sdk/result.hpp>
#include <trestle/transport_kit/packet_framing.hpp>
#include <trestle/transport_kit/receive_buffer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace trestle::transport_kit {

/// Bytes in, packets out: fill part of `space()`, say how much with `commit()`, take with `next()`.
///
/// Packets up to `small_packet_bytes_max` are views into the stream buffer, many per read. Larger
/// ones are read into a buffer of their own, which is handed over with the packet.
/// Lifetime: views stay valid until `recycle()`.
class PacketReader {
 public:
  static constexpr std::size_t buffer_bytes = 64 * 1024;
  static constexpr std::size_t small_packet_bytes_max = 16 * 1024;

  /// `packet_bytes_max`: a larger announced packet is refused before memory is committed.
  PacketReader(sdk::Host host, std::uint64_t packet_bytes_max);

  enum class Outcome {
    packet,     ///< `bytes` is a whole packet
    need_more,  ///< nothing until more bytes are committed
    goodbye,    ///< the peer ended its stream in good order; nothing follows
    failed,     ///< the stream is unusable: see `error()`
  };

  struct Step {
    Outcome outcome;
    std::span<const std::byte> bytes;
    ReceiveBufferPtr held;  ///< owns `bytes`; null for a view
  };

  /// What the committed bytes hold next.
  Step next();

  /// Why `next` failed. TT_E_PROTOCOL: wrong preamble, or bytes after the goodbye. TT_E_TOOBIG:
  /// announced length above the limit. TT_E_NOMEM.
  const sdk::Error& error() const noexcept { return error_; }

  /// Where the stream's next bytes belong, in order. Both empty: call `recycle` first.
  std::array<std::span<std::byte>, 2> space() noexcept;

  /// `count` bytes were written to the start of `space()`.
  void commit(std::size_t count) noexcept;

  /// The views handed out so far are no longer in use, so their room may be used again.
  void recycle() noexcept;

 private:
  std::size_t available() const noexcept { return end_ - begin_; }
  const std::byte* front() const noexcept { return buffer_.get() + begin_; }
  Step fail(tt_status code, std::string text);
  bool preamble_matches() noexcept;
  Step refuse_foreign_peer();
  Step begin_large(std::size_t length);
  Step finish_large() noexcept;

  sdk::Host host_;
  std::uint64_t packet_bytes_max_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t preamble_seen_ = 0;
  ReceiveBufferPtr large_;
  std::size_t large_filled_ = 0;
  sdk::Error error_{TT_OK, ""};
};

}  // namespace trestle::transport_kit
