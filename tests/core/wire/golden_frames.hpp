// One example of every frame, as value and as bytes. docs/wire_protocol.md shows the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "packet_bytes.hpp"

namespace trestle::wire::testing {

struct GoldenFrame {
  std::string_view name;
  Frame frame;
  std::string_view hex;  ///< of the frame, or of the packet in golden_packet_hex
};

const std::vector<GoldenFrame>& golden_frames();

/// A packet of an ack and a ping.
extern const std::string_view golden_packet_hex;
/// The same with a checksum.
extern const std::string_view golden_summed_packet_hex;

/// Bytes of a text of hex pairs and white space.
Bytes bytes_of_hex(std::string_view hex);
/// Lower-case pairs, one space between.
std::string hex_of(BytesView bytes);

}  // namespace trestle::wire::testing
