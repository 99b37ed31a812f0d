// Whether packets keep coming that are worth a large buffer each, posted before they are sent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

namespace trestle::ofi {

/// The room that is posted ahead on all connections of a transport: it is bound to what it was
/// posted for until that comes, which may be never.
class RoomBudget {
 public:
  static constexpr std::size_t bytes_max = 64 * 1024 * 1024;

  bool has(std::size_t bytes) const noexcept { return used_ + bytes <= bytes_max; }
  void take(std::size_t bytes) noexcept { used_ += bytes; }
  void give_back(std::size_t bytes) noexcept { used_ -= bytes; }

 private:
  std::size_t used_ = 0;
};

/// Guesses from the packets of one connection. Without rooms each large packet has to be announced,
/// and begins in small parts that are copied.
class RoomForecast {
 public:
  static constexpr std::size_t rooms_max = 8;

  /// `ahead_bytes`: of all rooms of the connection; 0: there are none.
  RoomForecast(std::size_t slot_bytes, std::size_t ahead_bytes) noexcept
      : slot_bytes_(slot_bytes), ahead_bytes_(ahead_bytes) {}

  /// A packet is whole.
  void note_packet(std::size_t bytes) noexcept {
    if (bytes <= slot_bytes_ || bytes > room_bytes_max()) return;
    expected_ = std::max(bytes, expected_ - expected_ / 4);
  }
  /// Something took a room that needed none, or less than half of it.
  void note_waste() noexcept {
    expected_ /= 2;
    if (expected_ <= slot_bytes_) expected_ = 0;
  }

  /// Of a room for the next packet; 0: none is expected.
  std::size_t room_bytes() const noexcept {
    return (expected_ + granularity - 1) / granularity * granularity;
  }
  /// Whether one more is worth it, where `count` are posted.
  bool wants_more(std::size_t count) const noexcept { return expected_ != 0 && count < rooms_max; }
  /// Whether all rooms together may have so many bytes.
  bool allows(std::size_t bytes) const noexcept { return bytes <= ahead_bytes_; }
  /// No rooms any more.
  void give_up() noexcept { expected_ = ahead_bytes_ = 0; }
  /// Messages that are to be posted for: a small one between any two rooms, and little more, which
  /// would only be in front of them. Nothing: as many as there are buffers.
  std::optional<std::size_t> messages_wanted() const noexcept {
    if (expected_ == 0) return std::nullopt;
    return std::max(messages_min, 2 * std::min(rooms_max, ahead_bytes_ / room_bytes()));
  }

 private:
  /// Headers of packets differ by some bytes.
  static constexpr std::size_t granularity = 4096;
  static constexpr std::size_t messages_min = 8;

  /// One packet travels while the next one is sent: a single room would not do.
  std::size_t room_bytes_max() const noexcept {
    return ahead_bytes_ / 2 / granularity * granularity;
  }

  std::size_t slot_bytes_;
  std::size_t ahead_bytes_;
  std::size_t expected_ = 0;
};

}  // namespace trestle::ofi
