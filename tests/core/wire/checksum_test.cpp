// Checksums of packets and of hellos: whatever bit is damaged, it shows.
#include "wire/checksum.hpp"

#include <gtest/gtest.h>

#include "golden_frames.hpp"
#include "packet_reading.hpp"

namespace trestle::wire::testing {
namespace {

constexpr ChecksumRule required = ChecksumRule::required;
constexpr ChecksumRule if_present = ChecksumRule::if_present;

Bytes with_checksum(const Bytes& frames) {
  Buffer packet;
  begin_packet(packet, PacketStyle::summed);
  packet.append(frames);
  put_checksum(packet.data(), PacketSum(packet.view()).value());
  return {packet.begin(), packet.end()};
}

Bytes frames_of(const Frame& frame) {
  Bytes frames;
  append_any(frames, frame);
  return frames;
}

Bytes request_packet() {
  return with_checksum(frames_of(Request{.call = CallId::make(5, 2),
                                         .handler = 1,
                                         .mode = DeliveryMode::with_response,
                                         .payload = as_bytes("some payload")}));
}

bool is_good(BytesView packet, ChecksumRule rule = required) {
  return check_sum(packet, rule).has_value();
}

TEST(PacketChecksum, IsReadBack) {
  const Bytes packet = request_packet();
  const Reading reading = read(packet);
  const Reading plain = read(packet, test_frame_bytes_max, Path::plain_first);

  EXPECT_TRUE(is_good(packet));
  ASSERT_EQ(reading.frames.size(), 1u) << reading.error->text;
  EXPECT_EQ(as_text(std::get<Request>(reading.frames[0]).payload), "some payload");
  EXPECT_EQ(plain.plain_frames, 1u);
}

TEST(PacketChecksum, ShowsEachDamagedBit) {
  const Bytes good = request_packet();
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);

    EXPECT_FALSE(is_good(bad) && !read(bad).error) << "bit " << bit;
  }
}

TEST(PacketChecksum, ShowsEachLostByte) {
  const Bytes good = request_packet();
  for (std::size_t size = packet_header_bytes; size < good.size(); ++size) {
    EXPECT_FALSE(is_good(BytesView(good).first(size))) << size;
  }
}

TEST(PacketChecksum, NamesBothSums) {
  Bytes packet = with_checksum(frames_of(Ack{CallId::make(5, 2)}));
  ASSERT_EQ(hex_of(BytesView(packet).subspan(8, 4)), "c6 e5 98 d5");
  packet.back() ^= std::byte{1};

  const auto checked = check_sum(BytesView(packet), required);

  ASSERT_TRUE(checked.has_error());
  EXPECT_TRUE(checked.error().is(Errc::connection_lost));
  EXPECT_NE(checked.error().text.find("its checksum is 0xd598e5c6, its bytes make 0x"),
            std::string::npos)
      << checked.error().text;
}

TEST(PacketChecksum, CoversAPacketInPieces) {
  const Bytes payload(5000, std::byte{7});
  Buffer head;
  begin_packet(head, PacketStyle::summed);
  append_without_payload(head, Reply{.call = CallId::make(5, 2), .payload = payload});
  PacketSum sum(head.view());
  sum.add(payload);
  put_checksum(head.data(), sum.value());
  const std::vector<BytesView> pieces{head.view(), payload};

  EXPECT_TRUE(PacketView::is_readable(pieces));
  EXPECT_TRUE(check_sum({pieces[0], std::span(pieces).subspan(1)}, required).has_value());
  Bytes damaged = payload;
  damaged[4999] = std::byte{6};
  const std::vector<BytesView> bad{damaged};
  EXPECT_TRUE(check_sum({pieces[0], bad}, required).has_error());
}

TEST(PacketChecksum, MayBeMissingWhereNoneIsRequired) {
  const Bytes plain = packet_of(Ack{CallId::make(5, 2)});

  EXPECT_TRUE(is_good(plain, if_present));
  EXPECT_FALSE(is_good(plain, required));
}

TEST(PacketChecksum, IsNotRequiredOfAGoodbye) {
  EXPECT_TRUE(is_good(packet_of(Goodbye{Errc::handshake_failed, "too late"}), required));
}

Bytes hello_packet(std::uint64_t features) {
  Hello hello;
  hello.instance = InstanceId::from_halves(3, 4);
  hello.incarnation = 5;
  hello.features = features;
  hello.endpoints = {"tcp://127.0.0.1:7000"};
  hello.authentication = as_bytes("key");
  return packet_of(hello);
}

TEST(HelloChecksum, ShowsEachDamagedBit) {
  const Bytes good = hello_packet(feature::checksums | feature::wants_checksums);
  ASSERT_FALSE(read(good).error);
  for (std::size_t bit = 8 * packet_header_bytes; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    const Reading reading = read(bad);

    EXPECT_TRUE(reading.error || std::holds_alternative<UnknownFrame>(reading.frames.at(0)))
        << "bit " << bit;
  }
}

TEST(HelloChecksum, IsNotThereWithoutTheFeature) {
  const Bytes plain = hello_packet(0);
  const Bytes summed = hello_packet(feature::checksums);

  EXPECT_EQ(plain.size() + 8, summed.size());
  EXPECT_FALSE(read(plain).error);
}

TEST(HelloChecksum, ThatIsWrongIsNamed) {
  Bytes packet = hello_packet(feature::checksums);
  packet.back() ^= std::byte{1};

  const Reading reading = read(packet);

  ASSERT_TRUE(reading.error);
  EXPECT_TRUE(reading.error->is(Errc::handshake_failed));
  EXPECT_NE(reading.error->text.find("damaged: the checksum is "), std::string::npos);
}

}  // namespace
}  // namespace trestle::wire::testing
