// Frames on their way out of one connection: packed, handed to the transport, accounted for.
#pragma once

#include <trestle/thin_transport.h>
#include <trestle/payload.hpp>

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "wire/packet.hpp"

namespace trestle::peers {

/// Running number of a frame on its connection, from 1.
using FrameNumber = std::uint64_t;

/// Hands one packet over; what tt_ops.send answers.
class PacketSink {
 public:
  virtual tt_status send_packet(std::span<const tt_iov> segments, std::uint32_t flags,
                                std::uint64_t op) = 0;

 protected:
  ~PacketSink() = default;
};

/// Packs the frames of one turn into packets, keeps lent payloads until they are sent, and knows
/// which frames have left. Threads: under the engine's lock.
class Outbox {
 public:
  /// Gather segments that the transport takes.
  void limit_segments(std::size_t segments_max) noexcept { segments_max_ = segments_max; }

  /// Errors: those of wire::append.
  Result<void> add_hello(const wire::Hello& hello) {
    Packet& packet = open_packet(0, 0);
    const std::size_t before = packet.bytes.size();
    if (auto added = wire::append(packet.bytes, hello); added.has_error()) return added;
    count(packet, before, packet.bytes.size() - before);
    return {};
  }

  /// Adds a frame with a small or no payload.
  template <class Frame>
  FrameNumber add(const Frame& frame) {
    Packet& packet = open_packet(0, payload_bytes(frame));
    const std::size_t before = packet.bytes.size();
    wire::append(packet.bytes, frame);
    return count(packet, before, packet.bytes.size() - before);
  }

  /// Adds a Request or Reply whose payload may ride as a segment of its own, without a copy.
  template <class Frame>
  FrameNumber add(Frame frame, Payload payload) {
    frame.payload = payload.view();
    if (payload.size() < lend_bytes_min || payload.is_borrowed()) return add(frame);
    Packet& packet = open_packet(2, payload.size());
    const std::size_t before = packet.bytes.size();
    wire::append_without_payload(packet.bytes, frame);
    const std::size_t size = packet.bytes.size() - before + payload.size();
    packet.lent.push_back({packet.bytes.size(), std::move(payload)});
    return count(packet, before, size);
  }

  /// Hands packets over until none is left or the transport has no room.
  /// Returns an error status if the connection is beyond repair.
  tt_status flush(PacketSink& sink);

  /// The transport has room again.
  void unblock() noexcept { blocked_ = false; }
  /// The transport is done with the packet of a send that it answered with TT_PENDING.
  void on_sent(std::uint64_t op) { in_flight_.erase(op); }

  /// Turns a frame that has not left into one that the peer skips. False: it has left.
  bool withdraw(FrameNumber frame) noexcept;
  /// True once the frame was handed to the transport: the peer may have got it.
  bool has_left(FrameNumber frame) const noexcept { return frame <= left_; }

  std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  bool is_empty() const noexcept { return packets_.empty(); }
  bool is_idle() const noexcept { return packets_.empty() && in_flight_.empty(); }

 private:
  static constexpr std::size_t packet_bytes_max = 64 * 1024;
  static constexpr std::size_t lend_bytes_min = 4096;

  /// A payload that goes out after the first `at` bytes of its packet.
  struct Lent {
    std::size_t at;
    Payload payload;
  };

  struct Packet {
    wire::Buffer bytes;
    std::vector<Lent> lent;
    std::vector<std::size_t> frames;  // where each frame starts in `bytes`
    FrameNumber first = 0;
    std::size_t size = 0;
  };

  template <class Frame>
  static std::size_t payload_bytes(const Frame& frame) noexcept {
    if constexpr (requires { frame.payload; }) {
      return frame.payload.size();
    } else {
      return 0;
    }
  }

  /// The packet for a frame that needs so many segments beyond the packet's own bytes.
  Packet& open_packet(std::size_t segments, std::size_t payload_bytes);
  void keep_spare(Packet packet);
  FrameNumber count(Packet& packet, std::size_t start, std::size_t size);
  std::vector<tt_iov>& gather(const Packet& packet);

  std::size_t segments_max_ = 4;
  std::deque<Packet> packets_;
  std::unordered_map<std::uint64_t, Packet> in_flight_;
  std::vector<tt_iov> segments_;
  Packet spare_;  // keeps the memory of the last packet for the next
  FrameNumber last_ = 0;
  FrameNumber left_ = 0;
  std::uint64_t next_op_ = 1;
  std::size_t queued_bytes_ = 0;
  bool blocked_ = false;
};

}  // namespace trestle::peers
