// Damaged packets, from a fixed seed: they may be refused, and never harm the next good one.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "golden_frames.hpp"
#include "packet_reading.hpp"

namespace trestle::wire::testing {
namespace {

Bytes all_golden_frames() {
  Bytes packet;
  begin_packet(packet);
  for (const GoldenFrame& golden : golden_frames()) append_any(packet, golden.frame);
  return packet;
}

class Damage {
 public:
  explicit Damage(std::uint32_t seed) : random_(seed) {}

  void apply(Bytes& packet) {
    for (std::size_t hits = 1 + below(4); hits > 0 && !packet.empty(); --hits) hit(packet);
  }

 private:
  // Not std::uniform_int_distribution: its numbers differ between libraries.
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void hit(Bytes& packet) {
    const std::size_t at = below(packet.size());
    const auto where = packet.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(5)) {
      case 0:
        packet[at] ^= static_cast<std::byte>(1u << below(8));
        break;
      case 1:
        packet[at] = static_cast<std::byte>(random_());
        break;
      case 2:
        packet.resize(at);
        break;
      case 3:
        packet.insert(where, 1 + below(16), static_cast<std::byte>(random_()));
        break;
      default:
        packet.erase(where);
    }
  }

  std::mt19937 random_;
};

TEST(MutatedPacket, NeverHarmsTheNextGoodOne) {
  const Bytes good = all_golden_frames();
  Damage damage(20);
  int refused = 0;
  for (int round = 0; round < 1000; ++round) {
    Bytes bad = good;
    damage.apply(bad);

    const Reading after_damage = read(bad);
    const Reading reading = read(good);

    if (after_damage.error) {
      ++refused;
      EXPECT_FALSE(after_damage.error->text.empty());
    }
    ASSERT_FALSE(reading.error);
    ASSERT_EQ(reading.frames.size(), golden_frames().size());
  }
  EXPECT_GT(refused, 500);  // else the damage does not reach the checks
}

/// Frames that may be plain, and what is nearly so.
Bytes plain_frames() {
  const CallId call = CallId::make(5, 2);
  return packet_of(Request{.call = call, .handler = 3, .payload = as_bytes("12345")},
                   Reply{call, Codec::json, as_bytes("[1]")}, Ack{call},
                   Request{.call = call, .handler = 4, .handler_name = "sum"}, Reply{call, {}, {}},
                   Ack{call});
}

TEST(MutatedPacket, ReadsTheSameOnBothPaths) {
  Damage damage(22);
  std::size_t plain_frames_seen = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes packet = round % 2 == 0 ? plain_frames() : all_golden_frames();
    if (round > 1) damage.apply(packet);

    const std::size_t limit = round % 3 == 0 ? 36 : test_frame_bytes_max;
    const Reading full = read(packet, limit);
    const Reading plain_first = read(packet, limit, Path::plain_first);

    ASSERT_EQ(difference(full, plain_first), "") << hex_of(packet);
    plain_frames_seen += plain_first.plain_frames;
  }
  EXPECT_GT(plain_frames_seen, 10'000u);  // else this compares one path with itself
}

TEST(MutatedPacket, OfRandomBytesBehindAGoodHeaderIsHarmless) {
  std::mt19937 random(21);
  for (int round = 0; round < 1000; ++round) {
    Bytes packet;
    begin_packet(packet);
    for (std::size_t i = random() % 200; i > 0; --i) {
      packet.push_back(static_cast<std::byte>(random()));
    }

    const Reading reading = read(packet);

    EXPECT_TRUE(reading.error || packet.size() == packet_header_bytes);
  }
}

}  // namespace
}  // namespace trestle::wire::testing
