// Any bytes as a packet: reading never harms, and what was read writes and reads back the same.
#include <cstdint>
#include <cstdlib>

#include "packet_reading.hpp"
#include "wire/checksum.hpp"

namespace {

using namespace trestle::wire;

/// Small enough for the fuzzer to reach from both sides.
constexpr std::size_t frame_bytes_max = 5000;

void expect(bool holds) {
  if (!holds) std::abort();
}

void check_round_trip(const Frame& frame) {
  testing::Bytes written;
  testing::begin_packet(written);
  testing::append_any(written, frame);
  if (written.size() == packet_header_bytes) return;  // of the kinds that are only read

  const testing::Reading reading = testing::read(written, frame_bytes_max);

  expect(!reading.error && reading.frames.size() == 1);
  expect(reading.frames[0].index() == frame.index());
  testing::Bytes again;
  testing::begin_packet(again);
  testing::append_any(again, reading.frames[0]);
  expect(again == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto packet = std::as_bytes(std::span(data, size));
  const testing::Reading reading = testing::read(packet, frame_bytes_max);
  if (reading.error) expect(!reading.error->text.empty());
  for (const Frame& frame : reading.frames) check_round_trip(frame);
  const auto checked = check_sum(packet, ChecksumRule::required);
  if (checked.has_error()) expect(!checked.error().text.empty());
  const testing::Reading plain = testing::read(packet, frame_bytes_max, testing::Path::plain_first);
  expect(testing::difference(reading, plain).empty());
  return 0;
}
