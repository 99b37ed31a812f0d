// Frames on their way out of one connection: packed, handed to the transport, accounted for.
#pragma once

#include <trestle/thin_transport.h>
#include <trestle/payload.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "memory/fifo.hpp"
#include "peers/unsent_bytes.hpp"
#include "wire/checksum.hpp"
#include "wire/packet.hpp"
#include "wire/plain_frame_writing.hpp"

namespace trestle::peers {

/// Where a frame begins among all bytes that its connection packed, from 1: it grows from frame to
/// frame, and finds the frame without a list of them.
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
/// which frames have left. Payloads that it is done with it leave to the caller, who destroys them
/// after dropping its lock: they end in code that others wrote. Holds next to no memory while it is
/// idle. Threads: under the engine's lock.
class Outbox {
 public:
  /// Smaller payloads are copied.
  static constexpr std::size_t lend_bytes_min = 4096;

  /// `total`: of the node; null: nobody counts.
  explicit Outbox(UnsentTotal* total = nullptr) noexcept : queued_bytes_(total) {}

  /// Gather segments that the transport takes.
  void limit_segments(std::size_t segments_max) noexcept {
    segments_max_ = std::min(segments_max, segments_limit);
  }

  /// Errors: those of wire::append.
  Result<void> add_hello(const wire::Hello& hello) {
    Packet& packet = open_packet(0, wire::hello_frame_bytes_max);
    const std::size_t before = packet.bytes.size();
    if (auto added = wire::append(packet.bytes, hello); added.has_error()) return added;
    queued_bytes_ += packet.bytes.size() - before;
    return {};
  }

  /// Of packets that begin now.
  wire::PacketStyle style() const noexcept { return style_; }
  /// Packets that begin from now on have checksums.
  void begin_checksums() {
    style_ = wire::PacketStyle::summed;
    if (!open_.bytes.empty() && !wire::has_checksum(open_.bytes.view())) {
      full_.push_back(std::exchange(open_, Packet()));
    }
  }

  /// Adds a frame with a small or no payload.
  template <class Frame>
  FrameNumber add(const Frame& frame) {
    Packet& packet = open_packet(0, bytes_at_most(frame));
    const std::size_t before = packet.bytes.size();
    wire::append(packet.bytes, frame);
    queued_bytes_ += packet.bytes.size() - before;
    return packet.first + before;
  }

  /// Adds a Request or Reply whose payload may ride as a segment of its own, without a copy.
  /// `payload` is taken over then, and left as it is where the bytes were copied.
  template <class Frame>
  FrameNumber add(Frame&& frame, Payload&& payload) {
    frame.payload = payload.view();
    if (payload.size() < lend_bytes_min || payload.is_borrowed() || segments_max_ < 2) {
      return add(frame);
    }
    Packet& packet = open_packet(2, bytes_at_most(frame));
    const std::size_t before = packet.bytes.size();
    wire::append_without_payload(packet.bytes, frame);
    queued_bytes_ += packet.bytes.size() - before + payload.size();
    packet.lent_bytes += payload.size();
    packet.lent.push_back({packet.bytes.size(), std::move(payload)});
    return packet.first + before;
  }

  /// Adds a plain request with its payload.
  FrameNumber add_plain(const wire::PlainFrame& request) {
    const std::size_t bytes = wire::plain_request_bytes(request.payload.size());
    Packet& packet = open_packet(0, bytes);
    const std::size_t before = packet.bytes.size();
    wire::append_plain_request(packet.bytes, request);
    queued_bytes_ += bytes;
    return packet.first + before;
  }
  /// Adds a plain reply with its payload.
  FrameNumber add_plain_reply(wire::CallId call, Codec codec, BytesView payload) {
    const std::size_t bytes = wire::plain_reply_bytes(payload.size());
    Packet& packet = open_packet(0, bytes);
    const std::size_t before = packet.bytes.size();
    wire::append_plain_reply(packet.bytes, call, codec, payload);
    queued_bytes_ += bytes;
    return packet.first + before;
  }
  /// Adds frames that were written before, of `messages` that nobody waits for: a packet as it is.
  void add_packet(wire::Buffer&& packet, std::uint32_t messages);
  /// True if the packet that takes frames has one of so many bytes, and nothing else.
  bool has_just_begun(std::size_t frame_bytes) const noexcept {
    return open_.bytes.size() == wire::packet_start_bytes(style_) + frame_bytes;
  }

  /// What flush() hands over.
  enum class Extent {
    all,
    full_packets,  ///< not the one that takes frames
  };
  /// Hands packets over until none is left or the transport has no room. Payloads that left at once
  /// go to `done`.
  /// Returns an error status if the connection is beyond repair.
  tt_status flush(PacketSink& sink, std::vector<Payload>& done, Extent extent = Extent::all);

  /// The transport has room again.
  void unblock() noexcept { blocked_ = false; }
  /// The transport is done with the packet of a send that it answered with TT_PENDING. Its payloads
  /// go to `done`.
  void on_sent(std::uint64_t op, std::vector<Payload>& done);

  /// Forgets all packets, also those that the transport has: it is done with them. Their payloads
  /// go to `done`.
  void clear(std::vector<Payload>& done);

  /// Takes out all frames that have not left, in order. Lifetime of what a frame views: the call.
  /// `take(frame, payload)`: with the payload if that is not in the packet itself.
  void take_unsent(const std::function<void(wire::Frame&, Payload&&)>& take);

  /// The frame added last is a message that nobody waits for.
  void note_message() noexcept { ++open_.messages; }
  /// How many of those have not left.
  std::size_t unsent_messages() noexcept {
    std::size_t count = open_.messages;
    for (Packet& packet : full_) count += packet.messages;
    return count;
  }

  /// Turns a frame that has not left into one that the peer skips. False: it has left.
  bool withdraw(FrameNumber frame) noexcept;
  /// True once the frame was handed to the transport: the peer may have got it.
  bool has_left(FrameNumber frame) const noexcept { return frame < left_; }

  /// Frames with smaller numbers have left.
  FrameNumber left() const noexcept { return left_; }

  std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  bool is_empty() const noexcept { return open_.bytes.empty() && full_.empty(); }
  bool is_idle() const noexcept {
    return is_empty() && in_flight_.empty() &&
           std::all_of(few_.begin(), few_.end(), [](const Read& few) { return few.op == 0; });
  }

 private:
  static constexpr std::size_t packet_bytes_max = wire::first_packet_bytes_max;
  static constexpr std::size_t segments_limit = 64;
  /// What an idle connection keeps for its next packet.
  static constexpr std::size_t spare_bytes_max = 1024;
  static constexpr std::size_t spare_lent_max = 4;

  /// A payload that goes out after the first `at` bytes of its packet.
  struct Lent {
    std::size_t at;
    Payload payload;
  };

  struct Contents {
    wire::Buffer bytes;
    std::vector<Lent, memory::BlockAllocator<Lent>> lent;

    void swap(Contents& other) noexcept {
      bytes.swap(other.bytes);
      lent.swap(other.lent);
    }
  };

  struct Packet : Contents {
    std::size_t lent_bytes = 0;
    FrameNumber first = 0;       // of its first byte
    std::uint64_t op = 0;        // since it is in flight, from 1
    std::uint32_t messages = 0;  // that nobody waits for
    bool sent = false;           // and those before it are not

    std::size_t size() const noexcept { return bytes.size() + lent_bytes; }
    FrameNumber end() const noexcept { return first + bytes.size(); }
  };

  /// Of a packet in flight that no other needs to be looked up among.
  struct Read : Contents {
    std::uint64_t op = 0;  // none
  };

  template <class Frame>
  static std::size_t bytes_at_most(const Frame& frame) noexcept {
    constexpr std::size_t header_bytes_max = 64;
    if constexpr (requires { wire::encoded_bytes(frame); }) {
      return wire::encoded_bytes(frame);
    } else if constexpr (requires { frame.text; }) {
      return header_bytes_max + std::min(frame.text.size(), wire::text_bytes_max);
    } else {
      return header_bytes_max;
    }
  }

  /// The packet for a frame of so many bytes that needs so many segments beyond the packet's own.
  Packet& open_packet(std::size_t segments, std::size_t frame_bytes) {
    const bool room = !open_.bytes.empty() && open_.size() + frame_bytes <= packet_bytes_max &&
                      2 * open_.lent.size() + 1 + segments <= segments_max_;
    if (!room) start_packet();
    return open_;
  }
  void start_packet();
  tt_status hand_over(PacketSink& sink, Packet& packet, std::vector<Payload>& done);
  tt_status send(PacketSink& sink, Packet& packet);
  static void read_unsent(Packet& packet, const std::function<void(wire::Frame&, Payload&&)>& take);
  static void move_payloads(Contents& packet, std::vector<Payload>& done);
  /// What a packet without payloads keeps is for the next one.
  static void trim(Contents& packet) noexcept {
    if (packet.bytes.capacity() > spare_bytes_max) packet.bytes = wire::Buffer();
    packet.bytes.clear();
    if (packet.lent.capacity() > spare_lent_max) packet.lent = decltype(packet.lent)();
  }

  std::size_t segments_max_ = 4;
  Packet open_;                     // takes frames; without bytes while there is none
  memory::Fifo<Packet> full_;       // packets before it that the transport has not got either
  memory::Fifo<Packet> in_flight_;  // that it has, and whose payloads it still reads
  // More of those: one that is being read, and one whose reader gives it back with its answer. By
  // far most often there are no others.
  std::array<Read, 2> few_;
  std::size_t last_packet_bytes_ = 0;
  FrameNumber left_ = 1;  // frames below it have left
  std::uint64_t next_op_ = 1;
  UnsentBytes queued_bytes_;
  bool blocked_ = false;
  wire::PacketStyle style_ = wire::PacketStyle::plain;
};

}  // namespace trestle::peers
