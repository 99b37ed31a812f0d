// What a later version may add: what is skipped, what is refused by name, what ends the connection.
#include <gtest/gtest.h>

#include <string>

#include "golden_frames.hpp"
#include "packet_reading.hpp"

namespace trestle::wire::testing {
namespace {

constexpr std::size_t kind_at = 12;
constexpr std::size_t flags_at = 13;
constexpr std::size_t header_bytes_at = 14;
constexpr std::size_t fixed_at = 16;

Bytes packet_of_golden(const GoldenFrame& golden) {
  Bytes packet;
  begin_packet(packet);
  append_any(packet, golden.frame);
  return packet;
}

/// `golden` with one empty extension block of `type` at the end of its header, then a ping.
Bytes packet_with_extension(const GoldenFrame& golden, unsigned type) {
  Bytes packet = packet_of_golden(golden);
  const unsigned header = std::to_integer<unsigned>(packet.at(header_bytes_at));
  const std::byte block[] = {static_cast<std::byte>(type), static_cast<std::byte>(type >> 8),
                             std::byte{0}, std::byte{0}};
  packet.insert(packet.begin() + static_cast<std::ptrdiff_t>(fixed_at + header), block, block + 4);
  packet[header_bytes_at] = static_cast<std::byte>(header + 4);
  packet[packet_header_bytes] = static_cast<std::byte>(packet.size() - packet_header_bytes);
  append(packet, Ping{99});
  return packet;
}

/// Its name up to what tells it from others of its kind.
std::string kind_of(const GoldenFrame& golden) {
  return std::string(golden.name.substr(0, golden.name.find(',')));
}

bool is_request_or_reply(const GoldenFrame& golden) {
  return std::holds_alternative<Request>(golden.frame) ||
         std::holds_alternative<Reply>(golden.frame);
}

Bytes request_with(std::size_t at, unsigned value) {
  Request request;
  request.call = CallId::make(5, 2);
  request.handler = 3;
  request.handler_name = "echo";
  Bytes packet = packet_of(request);
  packet.at(at) = static_cast<std::byte>(value);
  append(packet, Ping{99});
  return packet;
}

void expect_rejected(const Reading& reading, Errc code, std::string_view text) {
  ASSERT_EQ(reading.frames.size(), 2u) << "the ping behind is read as well";
  ASSERT_TRUE(std::holds_alternative<Rejected>(reading.frames[0]));
  const Rejected& rejected = std::get<Rejected>(reading.frames[0]);
  EXPECT_EQ(rejected.call, CallId::make(5, 2));
  EXPECT_EQ(rejected.code, code);
  EXPECT_EQ(rejected.text, text);
  EXPECT_EQ(rejected.handler, 3u);
  EXPECT_EQ(rejected.handler_name, "echo");
}

TEST(SkippingRules, FlagsInTheLowHalfAreSkipped) {
  for (const GoldenFrame& golden : golden_frames()) {
    Bytes packet = packet_of_golden(golden);
    packet[flags_at] = std::byte{0x0F};

    const Reading reading = read(packet);

    ASSERT_FALSE(reading.error) << golden.name << ": " << reading.error->text;
    EXPECT_EQ(reading.frames.at(0).index(), golden.frame.index());
  }
}

TEST(SkippingRules, FlagsInTheHighHalfMustBeKnown) {
  for (const GoldenFrame& golden : golden_frames()) {
    if (is_request_or_reply(golden)) continue;
    for (const unsigned flag : {0x10u, 0x20u, 0x40u, 0x80u}) {
      Bytes packet = packet_of_golden(golden);
      packet[flags_at] = static_cast<std::byte>(flag | 1);

      const Reading reading = read(packet);

      ASSERT_TRUE(reading.error) << golden.name;
      EXPECT_TRUE(reading.error->is(Errc::protocol_error));
      EXPECT_EQ(reading.error->text, kind_of(golden) + " frame at byte 8: flags 0x" +
                                         std::to_string(flag / 16) +
                                         "0 must be understood and are unknown");
    }
  }
}

TEST(SkippingRules, ExtensionBlocksOfUnknownTypeAreSkipped) {
  for (const GoldenFrame& golden : golden_frames()) {
    const Reading reading = read(packet_with_extension(golden, 0x7FFF));

    ASSERT_FALSE(reading.error) << golden.name << ": " << reading.error->text;
    ASSERT_EQ(reading.frames.size(), 2u);
    EXPECT_EQ(reading.frames[0].index(), golden.frame.index());
    Bytes again;
    append_any(again, reading.frames[0]);
    EXPECT_EQ(hex_of(again), hex_of(bytes_of_hex(golden.hex)));
  }
}

TEST(SkippingRules, ExtensionBlocksWithTheTopBitMustBeKnown) {
  for (const GoldenFrame& golden : golden_frames()) {
    if (is_request_or_reply(golden)) continue;

    const Reading reading = read(packet_with_extension(golden, 0x8001));

    ASSERT_TRUE(reading.error) << golden.name;
    EXPECT_TRUE(reading.error->is(Errc::protocol_error));
    EXPECT_EQ(reading.error->text,
              kind_of(golden) +
                  " frame at byte 8: extension block 0x8001 must be understood and is unknown");
  }
}

TEST(SkippingRules, ReservedBytesAreIgnored) {
  Bytes packet = packet_of(Request{.handler = 1});
  for (const std::size_t at : {6u, 7u, 30u, 31u, 36u, 39u}) packet.at(at) = std::byte{0xFF};

  const Reading reading = read(packet);

  ASSERT_FALSE(reading.error);
  EXPECT_EQ(std::get<Request>(reading.frames.at(0)).handler, 1u);
}

TEST(SkippingRules, FramesOfUnknownKindAreReportedAndSkipped) {
  for (unsigned kind = 0; kind < 256; ++kind) {
    if (kind >= 1 && kind <= 13) continue;
    Bytes packet = packet_of(Ack{}, Ping{7});
    packet[kind_at] = static_cast<std::byte>(kind);

    const Reading reading = read(packet);

    ASSERT_FALSE(reading.error) << reading.error->text;
    ASSERT_EQ(reading.frames.size(), 2u);
    EXPECT_EQ(std::get<UnknownFrame>(reading.frames[0]).kind, kind);
    EXPECT_EQ(std::get<Ping>(reading.frames[1]).cookie, 7u);
  }
}

TEST(SkippingRules, FramesOfUnknownKindMayBeEmpty) {
  Bytes packet = packet_of();
  const Bytes frame = bytes_of_hex("08 00 00 00 10 00 00 00");
  packet.insert(packet.end(), frame.begin(), frame.end());

  EXPECT_EQ(std::get<UnknownFrame>(read(packet).frames.at(0)).kind, 16);
}

TEST(SkippingRules, FramesOfUnknownKindMayInsist) {
  Bytes packet = packet_of(Ack{});
  packet[kind_at] = std::byte{42};
  packet[flags_at] = std::byte{0x80};

  EXPECT_EQ(read(packet).error.value().text,
            "unknown frame at byte 8: kind 42, flags 0x80 must be understood and are unknown");
}

TEST(RejectedRequest, KeepsTheConnectionWhenAFlagIsUnknown) {
  expect_rejected(read(request_with(flags_at, 0x20)), Errc::protocol_error,
                  "request: flags 0x20 must be understood and are unknown");
}

TEST(RejectedRequest, KeepsTheConnectionWhenTheModeIsUnknown) {
  expect_rejected(read(request_with(fixed_at + 12, 5)), Errc::kind_mismatch,
                  "request: delivery mode 5 is unknown to this node");
}

TEST(RejectedRequest, KeepsTheConnectionWhenTheCodecIsUnknown) {
  expect_rejected(read(request_with(fixed_at + 13, 3)), Errc::undecodable,
                  "request: codec 3 is unknown to this node");
}

TEST(RejectedRequest, KeepsTheConnectionWhenAnExtensionBlockIsUnknown) {
  Request request;
  request.call = CallId::make(5, 2);
  request.handler = 3;
  request.handler_name = "echo";

  expect_rejected(read(packet_with_extension({"request", request, ""}, 0x8002)),
                  Errc::protocol_error,
                  "request: extension block 0x8002 must be understood and is unknown");
}

TEST(RejectedRequest, NamesNoHandlerAtAll) {
  const Reading reading = read(packet_of(Request{.call = CallId::make(5, 2)}));

  const Rejected& rejected = std::get<Rejected>(reading.frames.at(0));
  EXPECT_EQ(rejected.code, Errc::protocol_error);
  EXPECT_EQ(rejected.text, "request: it has neither the number nor the name of a handler");
}

TEST(UnusableReply, NamesTheCodec) {
  Bytes packet = packet_of(Reply{CallId::make(5, 2), {}, {}});
  packet[fixed_at + 8] = std::byte{200};

  const Reading reading = read(packet);

  const UnusableReply& reply = std::get<UnusableReply>(reading.frames.at(0));
  EXPECT_EQ(reply.call, CallId::make(5, 2));
  EXPECT_EQ(reply.text, "reply: codec 200 is unknown to this node");
}

TEST(UnusableReply, NamesTheFlag) {
  Bytes packet = packet_of(Reply{CallId::make(5, 2), {}, {}});
  packet[flags_at] = std::byte{0x40};

  EXPECT_EQ(std::get<UnusableReply>(read(packet).frames.at(0)).text,
            "reply: flags 0x40 must be understood and are unknown");
}

TEST(UnusableReply, NamesTheExtensionBlock) {
  const GoldenFrame golden{"reply", Reply{CallId::make(5, 2), {}, {}}, ""};

  EXPECT_EQ(std::get<UnusableReply>(read(packet_with_extension(golden, 0xFFFF)).frames.at(0)).text,
            "reply: extension block 0xffff must be understood and is unknown");
}

TEST(UnknownNumbers, OfANackCodeStay) {
  const Reading reading = read(packet_of(Nack{{}, Errc{999}, Ran::yes, "new"}));

  EXPECT_EQ(std::get<Nack>(reading.frames.at(0)).code, Errc{999});
  EXPECT_EQ(to_string(std::get<Nack>(reading.frames.at(0)).code), "unknown");
}

TEST(UnknownNumbers, OfWhetherItRanPromiseNothing) {
  const Reading reading = read(packet_of(Nack{{}, Errc::handler_failed, Ran{3}, ""}));

  EXPECT_EQ(std::get<Nack>(reading.frames.at(0)).ran, Ran::maybe);
}

}  // namespace
}  // namespace trestle::wire::testing
