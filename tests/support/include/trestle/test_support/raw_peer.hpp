// A peer without a node: a test says byte by byte what it sends, and sees each frame that comes.
#pragma once

#include <trestle/clock.hpp>
#include <trestle/error.hpp>
#include <trestle/manual_driver.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/transport.hpp"
#include "plugin_loading/plugin_registry.hpp"
#include "wire/packet.hpp"

namespace trestle::test_support {

/// Speaks to a node of a test network over a transport that needs no kernel. Threads: one.
class RawPeer final : private engine::LinkEvents {
 public:
  RawPeer(ManualDriver& driver, const std::string& uri);
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  /// Sends one packet as it is, then lets the network settle.
  void send_bytes(BytesView packet);

  /// Sends one packet with these frames.
  template <class... Frames>
  void send(const Frames&... frames) {
    wire::Buffer packet;
    wire::begin_packet(packet);
    (append(packet, frames), ...);
    send_bytes(packet);
  }

  /// Sends a hello that a node accepts.
  void greet(const InstanceId& instance = InstanceId::from_halves(7, 7),
             std::uint64_t incarnation = 1);

  /// Frames of one type that came since the last call, in order. Views in them stay valid.
  template <class Frame>
  std::vector<Frame> take() {
    std::vector<Frame> taken;
    for (auto& frame : frames_) {
      if (auto* match = std::get_if<Frame>(&frame)) taken.push_back(*match);
    }
    std::erase_if(frames_, [](const auto& frame) { return std::holds_alternative<Frame>(frame); });
    return taken;
  }

  /// What came of calls since it was last taken, in order, such as "accepted reply".
  std::string take_order();

  /// The bytes of the packet that came last.
  BytesView last_packet() const { return packets_.back().view(); }
  std::size_t frames_received() const { return frames_received_; }
  bool is_closed() const { return closed_; }
  void settle();
  /// Of its transport, which is never told that somebody sleeps.
  int wait_fd() const { return transport_->attributes().wait_fd; }

 private:
  template <class Frame>
  static void append(wire::Buffer& packet, const Frame& frame) {
    if constexpr (std::is_same_v<Frame, wire::Hello>) {
      wire::append(packet, frame).value();
    } else {
      wire::append(packet, frame);
    }
  }

  void on_connected() override { connected_ = true; }
  void on_packet(const wire::PacketView& packet, engine::PacketSource& source) override;
  void on_sent(std::uint64_t, tt_status) override {}
  void on_writable() override {}
  void on_closed(tt_status, std::string_view) override { closed_ = true; }

  ManualDriver& driver_;
  plugin_loading::PluginRegistry plugins_;
  std::unique_ptr<engine::Transport> transport_;
  tt_conn* conn_ = nullptr;
  bool connected_ = false;
  bool closed_ = false;
  std::size_t frames_received_ = 0;
  std::vector<Payload> packets_;  // what the frames view
  std::vector<wire::Frame> frames_;
};

}  // namespace trestle::test_support
