// The bytes of every frame are fixed: writer, reader and document agree on them.
#include "golden_frames.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "packet_reading.hpp"

namespace trestle::wire::testing {
namespace {

using Examples = std::map<std::string, std::string>;

Bytes in_packet(BytesView frame) {
  Bytes packet;
  begin_packet(packet);
  packet.insert(packet.end(), frame.begin(), frame.end());
  return packet;
}

Examples golden_examples() {
  Examples examples{{"packet", hex_of(bytes_of_hex(golden_packet_hex))}};
  for (const GoldenFrame& golden : golden_frames()) {
    examples[std::string(golden.name)] = hex_of(bytes_of_hex(golden.hex));
  }
  return examples;
}

/// The blocks fenced as "```hex NAME"; in each line, what follows '#' explains.
Examples documented_examples() {
  constexpr std::string_view fence = "```hex ";
  Examples examples;
  std::ifstream file(TRESTLE_WIRE_PROTOCOL_MD);
  std::string name;
  std::string hex;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(fence)) {
      name = line.substr(fence.size());
      hex.clear();
    } else if (line.starts_with("```") && !name.empty()) {
      examples[name] = hex_of(bytes_of_hex(hex));
      name.clear();
    } else {
      hex += line.substr(0, line.find('#'));
    }
  }
  return examples;
}

TEST(GoldenFrames, CoverEveryKind) {
  std::set<std::size_t> written;
  std::set<int> kinds;

  for (const GoldenFrame& golden : golden_frames()) {
    written.insert(golden.frame.index());
    kinds.insert(std::to_integer<int>(bytes_of_hex(golden.hex)[4]));
  }

  EXPECT_EQ(written.size(), std::variant_size_v<Frame> - 3);  // three are only read
  EXPECT_EQ(kinds, (std::set{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}));
}

TEST(GoldenFrames, AreWhatTheWriterWrites) {
  for (const GoldenFrame& golden : golden_frames()) {
    Bytes bytes;

    append_any(bytes, golden.frame);

    EXPECT_EQ(hex_of(bytes), hex_of(bytes_of_hex(golden.hex))) << golden.name;
  }
}

TEST(GoldenFrames, ReadBackToTheSameBytes) {
  for (const GoldenFrame& golden : golden_frames()) {
    const Bytes bytes = bytes_of_hex(golden.hex);

    const Reading reading = read(in_packet(bytes));

    ASSERT_FALSE(reading.error) << golden.name << ": " << reading.error->text;
    ASSERT_EQ(reading.frames.size(), 1u) << golden.name;
    EXPECT_EQ(reading.frames[0].index(), golden.frame.index()) << golden.name;
    Bytes again;
    append_any(again, reading.frames[0]);
    EXPECT_EQ(hex_of(again), hex_of(bytes)) << golden.name;
  }
}

TEST(GoldenFrames, MakeThePacketOfTheDocument) {
  const Bytes packet = packet_of(Ack{CallId::make(5, 2)}, Ping{0x0102030405060708});

  EXPECT_EQ(hex_of(packet), hex_of(bytes_of_hex(golden_packet_hex)));
}

TEST(GoldenFrames, EqualTheExamplesOfTheDocument) {
  EXPECT_EQ(documented_examples(), golden_examples());
}

}  // namespace
}  // namespace trestle::wire::testing
