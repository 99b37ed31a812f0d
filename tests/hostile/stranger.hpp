// Somebody at a port of ours who is no node: a plain socket that says whatever a test wants.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/packet.hpp"

namespace trestle::hostile {

/// One connection. Moves; closes at its end. Threads: distinct objects safe.
class Stranger {
 public:
  /// Connects to a tcp:// or unix:// URI.
  explicit Stranger(const std::string& uri);
  Stranger(Stranger&& other) noexcept;
  Stranger& operator=(Stranger&& other) noexcept;
  ~Stranger();

  bool is_connected() const noexcept { return fd_ >= 0; }
  /// Says as much as the other side takes within a few seconds; how much that was.
  std::size_t say(std::string_view bytes) const;
  /// What comes until the other side ends the stream; empty time: until it would have to wait.
  std::string hear(std::chrono::milliseconds at_most = {}) const;
  /// Whether the other side ends the stream within that time. What comes before is dropped.
  bool is_dropped(std::chrono::milliseconds within) const;
  /// Ends it as a process does that dies badly: by a reset.
  void reset();

 private:
  int fd_ = -1;
};

/// What every stream begins with.
std::string preamble();
/// The length in front of a packet.
std::string announced(std::uint32_t length);
/// `packet` with its length.
std::string framed(std::string_view packet);

/// A packet of these frames.
template <class... Frames>
std::string packet_of(const Frames&... frames) {
  wire::Buffer packet;
  wire::begin_packet(packet);
  (static_cast<void>(wire::append(packet, frames)), ...);
  return std::string(as_text(packet));
}

/// What a node accepts from somebody new.
wire::Hello hello(std::uint64_t who);

/// Preamble and hello of a peer that behaves so far.
std::string greeting(std::uint64_t who = 7);
/// A request for handler 1, which it names if there is a name.
wire::Request request(std::uint32_t call, std::string_view name = {});

}  // namespace trestle::hostile
