// Packets of a node to itself, until the next turn takes them in.
#pragma once

#include <trestle/payload.hpp>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "peers/connection.hpp"

namespace trestle {

/// Threads: under the engine's lock.
class Loopback {
 public:
  explicit Loopback(std::size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  bool empty() const noexcept { return packets_.empty(); }

  /// False: not now; on_writable() of `from` says when.
  bool has_room(peers::Connection& from, std::size_t bytes) {
    if (packets_.empty() || bytes_ + bytes <= bytes_max_) return true;
    blocked_.push_back(from.shared_from_this());
    return false;
  }

  void push(peers::Connection& to, Payload packet) {
    bytes_ += packet.size();
    packets_.emplace_back(to.shared_from_this(), std::move(packet));
  }

  /// Takes in what was sent before; returns how many packets that was.
  std::size_t deliver() {
    if (packets_.empty()) return 0;
    const auto packets = std::exchange(packets_, {});
    bytes_ = 0;
    for (const auto& [connection, packet] : packets) {
      engine::PacketSource source;
      connection->on_packet(packet.view(), source);
    }
    for (const auto& connection : std::exchange(blocked_, {})) connection->on_writable();
    return packets.size();
  }

  void clear() {
    packets_.clear();
    blocked_.clear();
  }

 private:
  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::vector<std::pair<std::shared_ptr<peers::Connection>, Payload>> packets_;
  std::vector<std::shared_ptr<peers::Connection>> blocked_;
};

}  // namespace trestle
