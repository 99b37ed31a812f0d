// Damaged packets, from a fixed seed: they may be refused, and never harm the next good one.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "golden_frames.hpp"
#include "packet_reading.hpp"

namespace trestle::wire::testing {
namespace {

Buffer all_golden_frames() {
  Buffer packet;
  begin_packet(packet);
  for (const GoldenFrame& golden : golden_frames()) append_any(packet, golden.frame);
  return packet;
}

class Damage {
 public:
  explicit Damage(std::uint32_t seed) : random_(seed) {}

  void apply(Buffer& packet) {
    for (std::size_t hits = 1 + below(4); hits > 0 && !packet.empty(); --hits) hit(packet);
  }

 private:
  // Not std::uniform_int_distribution: its numbers differ between libraries.
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void hit(Buffer& packet) {
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
  const Buffer good = all_golden_frames();
  Damage damage(20);
  int refused = 0;
  for (int round = 0; round < 1000; ++round) {
    Buffer bad = good;
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

TEST(MutatedPacket, OfRandomBytesBehindAGoodHeaderIsHarmless) {
  std::mt19937 random(21);
  for (int round = 0; round < 1000; ++round) {
    Buffer packet;
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
