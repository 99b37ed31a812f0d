// Packets of one connection that wait for its next turn.
#pragma once

#include <trestle/payload.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/packet_hold.hpp"
#include "wire/packet.hpp"

namespace trestle::peers {

/// What one connection may have handled in one turn of its node, so that others get theirs.
struct TurnLimits {
  std::size_t frames = 1024;
  std::size_t bytes = 1u << 20;  ///< of payloads
};

/// What each of so many connections gets that all have more than `limits`.
inline TurnLimits split(const TurnLimits& limits, std::size_t connections) noexcept {
  // Less would cost more than it does for others.
  constexpr std::size_t frames_min = 16;
  constexpr std::size_t bytes_min = 64 * 1024;
  if (connections < 2) return limits;
  return {.frames = std::min(limits.frames, std::max(limits.frames / connections, frames_min)),
          .bytes = std::min(limits.bytes, std::max(limits.bytes / connections, bytes_min))};
}

/// How much of that is left.
class TurnShare {
 public:
  /// Lifetime of `limits`: longer; they may change between turns.
  explicit TurnShare(const TurnLimits& limits) noexcept : limits_(limits) {}

  /// `turn`: its number; each begins with a full share.
  void begin(std::uint64_t turn) noexcept {
    if (turn_ == turn) return;
    turn_ = turn;
    frames_ = bytes_ = 0;
  }
  void use(std::size_t payload_bytes) noexcept {
    ++frames_;
    bytes_ += payload_bytes;
  }
  bool is_used_up() const noexcept { return frames_ >= limits_.frames || bytes_ >= limits_.bytes; }

 private:
  const TurnLimits& limits_;
  std::uint64_t turn_ = 0;
  std::size_t frames_ = 0;
  std::size_t bytes_ = 0;
};

/// A packet that was read in part.
struct WaitingPacket {
  wire::PacketReader reader;
  engine::PacketSource source;
  std::vector<BytesView> pieces{};  // what is not read yet, from the piece that the reader is in
  Payload copy{};                   // of a packet that the transport does not lend
  std::size_t bytes = 0;
};

/// A FIFO of packets, with the memory that they lie in. Threads: under the engine's lock.
class Inbox {
 public:
  bool empty() const noexcept { return packets_.empty(); }
  /// Of the packets that wait, read or not.
  std::size_t bytes() const noexcept { return bytes_; }

  /// What `reader` has not read yet of a packet that is being delivered.
  void push(const wire::PacketReader& reader, engine::PacketSource& source) {
    const wire::PacketView unread = reader.unread();
    WaitingPacket packet{.reader = reader, .source = std::move(source)};
    packet.pieces.push_back(unread.first);
    packet.pieces.insert(packet.pieces.end(), unread.more.begin(), unread.more.end());
    for (const BytesView piece : packet.pieces) packet.bytes += piece.size();
    if (!packet.source.is_lent()) packet.copy = copy_of(packet.pieces, packet.bytes);
    packet.reader.move_to({packet.pieces.front(), std::span(packet.pieces).subspan(1)});
    bytes_ += packet.bytes;
    packets_.push_back(std::move(packet));
  }
  /// The first one; whoever reads it may end the connection, which clears the rest.
  WaitingPacket take() {
    WaitingPacket first = std::move(packets_.front());
    packets_.pop_front();
    bytes_ -= first.bytes;
    return first;
  }
  /// A packet of one frame, of which `head` has all but the payload, before all others.
  void push_front(Payload head, BytesView payload, engine::PacketSource& source,
                  std::size_t frame_bytes_max) {
    WaitingPacket packet{.reader = {head.view(), frame_bytes_max}, .source = std::move(source)};
    packet.pieces = {head.view(), payload};
    packet.copy = std::move(head);
    packet.bytes = packet.copy.size() + payload.size();
    packet.reader = {{packet.pieces.front(), std::span(packet.pieces).subspan(1)}, frame_bytes_max};
    put_back(std::move(packet));
  }
  void put_back(WaitingPacket&& packet) {
    bytes_ += packet.bytes;
    packets_.push_front(std::move(packet));
  }
  void clear() noexcept {
    packets_.clear();
    bytes_ = 0;
  }

 private:
  /// Makes the pieces those of a copy.
  static Payload copy_of(std::vector<BytesView>& pieces, std::size_t bytes) {
    auto buffer = std::make_unique_for_overwrite<std::byte[]>(bytes);
    std::byte* at = buffer.get();
    for (BytesView& piece : pieces) {
      std::byte* const end = std::copy(piece.begin(), piece.end(), at);
      piece = {std::exchange(at, end), piece.size()};
    }
    return Payload::take(std::move(buffer), bytes);
  }

  std::deque<WaitingPacket> packets_;
  std::size_t bytes_ = 0;
};

}  // namespace trestle::peers
