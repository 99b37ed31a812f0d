// One message from libzmq, and its memory while the host reads it.
#pragma once

#include <trestle/thin_transport.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <zmq.hpp>

namespace trestle::zeromq {

/// The frames of one message. Used again for the next one.
class Incoming {
 public:
  enum class Read { message, nothing };

  /// Reads frames until the message is whole. A libzmq that is shutting down has nothing.
  Read read(zmq::socket_t& socket);
  /// The rest of a message whose first frame was read elsewhere and said that more follow.
  Read read_rest(zmq::socket_t& socket) { return read(socket); }

  std::span<zmq::message_t> frames() noexcept { return std::span(frames_).first(count_); }
  std::size_t bytes() const noexcept { return bytes_; }

  /// Several frames, the first of them empty. A packet of several frames never begins so.
  bool is_control() const noexcept { return count_ > 1 && frames_.front().size() == 0; }

  void clear() noexcept;

 private:
  std::vector<zmq::message_t> frames_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

/// Packets on their way to the host: small ones live until the next round, large ones until the
/// host releases them. Nothing is copied.
class LentPackets {
 public:
  LentPackets() = default;
  LentPackets(const LentPackets&) = delete;
  LentPackets& operator=(const LentPackets&) = delete;

  enum class Life { round, release };

  /// Fills data, len, flags and rx of a PACKET with the frames, which are moved out.
  void lend(std::span<zmq::message_t> frames, Life life, tt_event& event);
  void release(tt_rx& rx) noexcept;

  /// Ends what lived for a round.
  void begin_round() noexcept { round_.clear(); }

  /// Packets that the host holds.
  std::size_t held() const noexcept { return held_; }

 private:
  struct Held;

  std::vector<zmq::message_t> round_;
  std::size_t held_ = 0;
};

}  // namespace trestle::zeromq
