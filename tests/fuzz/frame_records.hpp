// What an input of the control frames' fuzzer stands for: frames of given kinds, whose lengths are
// right whatever the bytes are.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/packet.hpp"

namespace trestle::fuzz {

inline constexpr std::array control_kinds{
    wire::FrameKind::accepted, wire::FrameKind::ack,     wire::FrameKind::nack,
    wire::FrameKind::reply,    wire::FrameKind::cancel,  wire::FrameKind::ping,
    wire::FrameKind::pong,     wire::FrameKind::goodbye, wire::FrameKind::window,
    wire::FrameKind::pull,     wire::FrameKind::pulled,
};

/// Layout of a record: kind (its top bit: in a packet of its own), flags, length of the header,
/// length of the payload, both.
inline constexpr std::size_t record_prefix_bytes = 4;

/// The frames of each packet that an input stands for.
inline std::vector<std::string> frames_of_records(std::string_view input) {
  std::vector<std::string> packets(1);
  while (input.size() >= record_prefix_bytes) {
    const auto kind = static_cast<std::uint8_t>(input[0]);
    const char flags = input[1];
    const std::size_t header = static_cast<std::uint8_t>(input[2]);
    const std::size_t payload = static_cast<std::uint8_t>(input[3]);
    input.remove_prefix(record_prefix_bytes);
    const std::string_view head = input.substr(0, header);
    const std::string_view body = input.substr(head.size()).substr(0, payload);
    input.remove_prefix(head.size() + body.size());
    if (kind >= 128 && !packets.back().empty()) packets.emplace_back();
    std::string& frames = packets.back();
    const std::size_t length = 8 + head.size() + body.size();
    for (int shift = 0; shift < 32; shift += 8) frames += static_cast<char>(length >> shift);
    frames += static_cast<char>(control_kinds[kind % 128 % control_kinds.size()]);
    frames += flags;
    frames += static_cast<char>(head.size());
    frames += '\0';
    frames.append(head).append(body);
  }
  return packets;
}

/// The record of a frame; empty if it is of another kind, or too long.
inline std::string record_of_frame(std::string_view frame) {
  if (frame.size() < 8) return {};
  const auto kind = static_cast<wire::FrameKind>(frame[4]);
  const auto found = std::ranges::find(control_kinds, kind);
  const std::size_t header = static_cast<std::uint8_t>(frame[6]);
  const std::size_t payload = frame.size() - 8 - std::min(header, frame.size() - 8);
  if (found == control_kinds.end() || frame[7] != 0 || payload > 255) return {};
  std::string record;
  record += static_cast<char>(found - control_kinds.begin());
  record += frame[5];
  record += frame[6];
  record += static_cast<char>(payload);
  return record.append(frame.substr(8));
}

}  // namespace trestle::fuzz
