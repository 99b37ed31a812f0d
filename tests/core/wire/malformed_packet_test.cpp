// Input that breaks the protocol: each way has a text that names frame, field, value and limit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "golden_frames.hpp"
#include "packet_reading.hpp"

namespace trestle::wire::testing {
namespace {

constexpr CallId call = CallId::make(5, 2);
// Offsets in a packet whose first frame is looked at.
constexpr std::size_t frame_bytes_at = 8;
constexpr std::size_t header_bytes_at = 14;
constexpr std::size_t fixed_at = 16;

void put_u16(Bytes& packet, std::size_t at, unsigned value) {
  packet.at(at) = static_cast<std::byte>(value);
  packet.at(at + 1) = static_cast<std::byte>(value >> 8);
}

/// The protocol_error's text.
std::string error_of(BytesView packet, std::size_t frame_bytes_max = test_frame_bytes_max) {
  const Reading reading = read(packet, frame_bytes_max);
  if (!reading.error) return "no error";
  EXPECT_TRUE(reading.error->is(Errc::protocol_error));
  return reading.error->text;
}

/// The same after byte `at` was set.
std::string error_of_patched(Bytes packet, std::size_t at, unsigned value) {
  packet.at(at) = static_cast<std::byte>(value);
  return error_of(packet);
}

/// A packet with one frame; `extensions` follow the fixed part, lengths are right.
Bytes packet_with_extensions(const Frame& frame, std::string_view extensions) {
  Bytes packet;
  begin_packet(packet);
  append_any(packet, frame);
  const Bytes added = bytes_of_hex(extensions);
  const unsigned header = std::to_integer<unsigned>(packet.at(header_bytes_at));
  const auto at = packet.begin() + static_cast<std::ptrdiff_t>(fixed_at + header);
  packet.insert(at, added.begin(), added.end());
  put_u16(packet, header_bytes_at, header + static_cast<unsigned>(added.size()));
  put_u16(packet, frame_bytes_at, static_cast<unsigned>(packet.size() - packet_header_bytes));
  return packet;
}

std::string hex_zeros(std::size_t count) {
  std::string hex;
  for (std::size_t i = 0; i < count; ++i) hex += "00";
  return hex;
}

TEST(MalformedPacket, OfAnotherProtocolIsNamedByItsFirstBytes) {
  const Reading reading = read(as_bytes("GET / HTTP/1.1\r\n"));

  ASSERT_TRUE(reading.error);
  EXPECT_TRUE(reading.error->is(Errc::version_mismatch));
  EXPECT_EQ(reading.error->text,
            "not a Trestle packet: it starts with 47 45 54 20 instead of 54 52 53 4c");
}

TEST(MalformedPacket, OfAnotherProtocolMayBeShorterThanTheMagic) {
  const Reading reading = read(as_bytes("TX"));

  EXPECT_TRUE(reading.error->is(Errc::version_mismatch));
  EXPECT_EQ(reading.error->text,
            "not a Trestle packet: it starts with 54 58 instead of 54 52 53 4c");
}

TEST(MalformedPacket, OfEveryOtherVersionIsAVersionMismatch) {
  Bytes packet = packet_of(Ack{call});
  for (unsigned version = 0; version < 256; ++version) {
    if (version == protocol_version) continue;
    packet[4] = static_cast<std::byte>(version);

    const Reading reading = read(packet);

    ASSERT_TRUE(reading.error && reading.frames.empty());
    EXPECT_TRUE(reading.error->is(Errc::version_mismatch));
    EXPECT_EQ(reading.error->text, "packet of protocol version " + std::to_string(version) +
                                       ", this node speaks version 1");
  }
}

TEST(MalformedPacket, ShorterThanItsHeader) {
  EXPECT_EQ(error_of({}), "packet of 0 bytes is shorter than its header of 8");
  EXPECT_EQ(error_of(as_bytes("TRSL\1")), "packet of 5 bytes is shorter than its header of 8");
}

TEST(MalformedPacket, WithUnknownPacketFlags) {
  EXPECT_EQ(error_of_patched(packet_of(Ack{call}), 5, 4),
            "packet flags 4 are unknown, only the checksum's is defined");
}

TEST(MalformedPacket, TruncatedAnywhereNeverReadsOutside) {
  for (const GoldenFrame& golden : golden_frames()) {
    Bytes packet = packet_of(Ack{call});
    const std::size_t boundary = packet.size();
    append_any(packet, golden.frame);
    for (std::size_t size = 0; size < packet.size(); ++size) {
      const Reading reading = read(BytesView(packet).first(size));

      const bool between_frames = size == packet_header_bytes || size == boundary;
      ASSERT_EQ(reading.error.has_value(), !between_frames) << golden.name << " cut at " << size;
      ASSERT_EQ(reading.frames.size(), size >= boundary ? 1u : 0u);
    }
  }
}

TEST(MalformedFrame, WithLessThanAPrefix) {
  Bytes packet = packet_of(Ack{call});
  packet.resize(packet.size() + 3);

  EXPECT_EQ(error_of(packet), "frame at byte 24: 3 bytes are left, a frame's prefix takes 8");
}

TEST(MalformedFrame, AboveTheLimit) {
  EXPECT_EQ(error_of(packet_of(Ack{call}), 15),
            "ack frame at byte 8: frame_bytes is 16, above the limit of 15");
}

TEST(MalformedFrame, ThatAnnouncesFourGigabytes) {
  Bytes packet = packet_of(Ack{call});
  for (std::size_t i = 0; i < 4; ++i) packet[frame_bytes_at + i] = std::byte{0xFF};

  EXPECT_EQ(error_of(packet),
            "ack frame at byte 8: frame_bytes is 4294967295, above the limit of 1048576");
}

TEST(MalformedFrame, LongerThanThePacket) {
  EXPECT_EQ(error_of_patched(packet_of(Ack{call}), frame_bytes_at, 17),
            "ack frame at byte 8: frame_bytes is 17, left in the packet are 16");
}

TEST(MalformedFrame, ShorterThanItsPrefix) {
  EXPECT_EQ(error_of_patched(packet_of(Ack{call}), frame_bytes_at, 7),
            "ack frame at byte 8: frame_bytes is 7, the prefix alone takes 8");
}

TEST(MalformedFrame, WithAHeaderLongerThanItself) {
  EXPECT_EQ(error_of_patched(packet_of(Ack{call}), header_bytes_at, 9),
            "ack frame at byte 8: header_bytes is 9, left in the frame are 8");
}

TEST(MalformedFrame, WithAHeaderShorterThanItsFixedPart) {
  for (const GoldenFrame& golden : golden_frames()) {
    Bytes packet;
    begin_packet(packet);
    append_any(packet, golden.frame);
    put_u16(packet, header_bytes_at, 7);

    EXPECT_THAT(error_of(packet), ::testing::HasSubstr("header_bytes is 7, the fixed part takes"));
  }
}

TEST(MalformedFrame, WithAPayloadThatItsKindDoesNotCarry) {
  for (const Frame& frame : {Frame(Hello{}), Frame(Accepted{}), Frame(Ack{}), Frame(Cancel{}),
                             Frame(Ping{}), Frame(Pong{}), Frame(Window{})}) {
    Bytes packet = packet_with_extensions(frame, "ff");
    const unsigned header = std::to_integer<unsigned>(packet.at(header_bytes_at));
    put_u16(packet, header_bytes_at, header - 1);

    EXPECT_THAT(
        error_of(packet),
        ::testing::HasSubstr(" frame at byte 8: payload of 1 bytes, this kind carries none"));
  }
}

TEST(MalformedFrame, WithRestsOfAnExtensionBlock) {
  EXPECT_EQ(error_of(packet_with_extensions(Ack{call}, "01 00 00")),
            "ack frame at byte 8: 3 bytes end the header, an extension block takes at least 4");
}

TEST(MalformedFrame, WithAnExtensionBlockBeyondTheHeader) {
  EXPECT_EQ(error_of(packet_with_extensions(Request{.handler = 1}, "09 00 03 00 61 62")),
            "request frame at byte 8: extension block 0x0009 announces 3 bytes, the header has 2 "
            "left");
}

TEST(MalformedRequest, WithAnEmptyName) {
  EXPECT_EQ(error_of(packet_with_extensions(Request{}, "01 00 00 00")),
            "request frame at byte 8: the handler name is empty");
}

TEST(MalformedRequest, WithTwoNames) {
  EXPECT_EQ(error_of(packet_with_extensions(Request{}, "01 00 01 00 61 01 00 01 00 62")),
            "request frame at byte 8: two handler names");
}

TEST(MalformedRequest, WithALongName) {
  EXPECT_EQ(error_of(packet_with_extensions(Request{}, "01 00 01 04" + hex_zeros(1025))),
            "request frame at byte 8: the handler name has 1025 bytes, above the limit of 1024");
}

TEST(MalformedNack, WithCodeZero) {
  EXPECT_EQ(error_of(packet_of(Nack{call, Errc{0}, Ran::no, ""})),
            "nack frame at byte 8: code is 0, which names no error");
}

TEST(MalformedNack, WithALongText) {
  const std::string text(1024, 't');
  Bytes packet = packet_of(Nack{call, Errc::no_reply, Ran::yes, text});
  packet.push_back(std::byte{'t'});
  put_u16(packet, frame_bytes_at, static_cast<unsigned>(packet.size() - packet_header_bytes));

  EXPECT_EQ(error_of(packet),
            "nack frame at byte 8: the text has 1025 bytes, above the limit of 1024");
}

/// A pull frame around these bytes.
std::string error_of_pull(std::string_view inner) {
  const Bytes bytes = bytes_of_hex(inner);
  return error_of(packet_of(Pull{.frame = BytesView(bytes.data(), bytes.size())}));
}

TEST(MalformedPull, OfLessThanAFramesPrefix) {
  EXPECT_EQ(error_of_pull("20 00 10 00 06 00 10"),
            "pull frame at byte 8: 7 bytes of the frame that it stands for, the prefix takes 8");
}

TEST(MalformedPull, OfAKindThatHasNoPayload) {
  EXPECT_EQ(error_of_pull("20 00 10 00 04 00 08 00 05 00 20 00 00 00 00 00"),
            "pull frame at byte 8: it stands for a frame of kind 4, only requests and replies are "
            "pulled");
}

TEST(MalformedPull, OfAPullWithinAPull) {
  EXPECT_EQ(error_of_pull("20 00 10 00 0c 00 00 00"),
            "pull frame at byte 8: it stands for a frame of kind 12, only requests and replies are "
            "pulled");
}

TEST(MalformedPull, WithAChecksumOfAnotherLength) {
  EXPECT_EQ(error_of(packet_with_extensions(Pull{}, "01 00 03 00 aa bb cc")),
            "pull frame at byte 8: a checksum of 3 bytes, expected one of 4");
}

TEST(MalformedPull, WithTwoChecksums) {
  EXPECT_EQ(error_of(packet_with_extensions(Pull{},
                                            "01 00 04 00 aa bb cc dd"
                                            "01 00 04 00 aa bb cc dd")),
            "pull frame at byte 8: two checksums");
}

TEST(MalformedPull, WhoseHeaderIsNotThere) {
  EXPECT_EQ(error_of_pull("20 00 10 00 06 00 10 00 05 00 20 00 00 00 00 00"),
            "pull frame at byte 8: it stands for a frame of 1048608 bytes with a header of 16, and "
            "has 16 bytes of it");
}

TEST(MalformedPull, OfAFrameThatHasNothingToPull) {
  EXPECT_EQ(
      error_of_pull("10 00 00 00 06 00 08 00 05 00 20 00 00 00 00 00"),
      "pull frame at byte 8: it stands for a frame of 16 bytes with a header of 8, and has 16 "
      "bytes of it");
}

TEST(MalformedGoodbye, WithCodeZero) {
  EXPECT_EQ(error_of(packet_of(Goodbye{Errc{0}, ""})),
            "goodbye frame at byte 8: code is 0, which names no error");
}

TEST(MalformedGoodbye, WithALongText) {
  const std::string text(1024, 't');
  Bytes packet = packet_of(Goodbye{Errc::draining, text});
  packet.push_back(std::byte{'t'});
  put_u16(packet, frame_bytes_at, static_cast<unsigned>(packet.size() - packet_header_bytes));

  EXPECT_EQ(error_of(packet),
            "goodbye frame at byte 8: the text has 1025 bytes, above the limit of 1024");
}

TEST(MalformedHello, WithAnEmptyVersionRange) {
  EXPECT_EQ(error_of_patched(packet_of(Hello{}), fixed_at, 3),
            "hello frame at byte 8: version_min is 3, above version_max, which is 1");
}

TEST(MalformedHello, WithAnEmptyEndpoint) {
  EXPECT_EQ(error_of(packet_with_extensions(Hello{}, "01 00 00 00")),
            "hello frame at byte 8: an endpoint is empty");
}

TEST(MalformedHello, WithALongEndpoint) {
  EXPECT_THAT(error_of(packet_with_extensions(Hello{}, "01 00 00 01" + hex_zeros(256))),
              ::testing::StartsWith(
                  "hello frame at byte 8: bytes of an endpoint are 256, above the limit of 255"));
}

TEST(MalformedHello, WithTooManyEndpoints) {
  std::string extensions;
  for (int i = 0; i < 17; ++i) extensions += "01 00 01 00 61";

  EXPECT_EQ(error_of(packet_with_extensions(Hello{}, extensions)),
            "hello frame at byte 8: number of endpoints is 17, above the limit of 16");
}

TEST(MalformedHello, WithLongAuthentication) {
  EXPECT_EQ(error_of(packet_with_extensions(Hello{}, "02 00 01 04" + hex_zeros(1025))),
            "hello frame at byte 8: bytes of authentication are 1025, above the limit of 1024");
}

TEST(MalformedHello, WithTwoAuthentications) {
  EXPECT_EQ(error_of(packet_with_extensions(Hello{}, "02 00 01 00 61 02 00 01 00 62")),
            "hello frame at byte 8: two authentication blocks");
}

TEST(MalformedHello, AboveTheLimitOfFirstFrames) {
  EXPECT_EQ(error_of(packet_with_extensions(Hello{}, "09 00 00 10" + hex_zeros(4096))),
            "hello frame at byte 8: bytes of the frame are 4172, above the limit of 4096");
}

}  // namespace
}  // namespace trestle::wire::testing
