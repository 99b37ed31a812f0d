// Strangers who talk slowly: a byte now and then keeps no connection alive for longer than a whole
// hello, or a whole packet, may take.
#include <algorithm>
#include <vector>

#include "siege.hpp"

namespace trestle::hostile {
namespace {

/// Each says one text, byte by byte, and notes whether it comes to the end of it.
class SlowTalkers {
 public:
  /// What each says first, at once, and what all say then, slowly.
  SlowTalkers(const std::string& uri, const std::vector<std::string>& before, std::string text)
      : text_(std::move(text)) {
    for (const std::string& first : before) talkers_.emplace_back(uri).say(first);
  }

  /// One byte of each now and then, until nobody listens to any, or all is said.
  void talk() {
    for (const char byte : text_) {
      for (const Stranger& talker : talkers_) talker.say({&byte, 1});
      ++said_;
      // Waits for a moment, in which the first one may be dropped.
      if (!talkers_.front().is_dropped(pause)) continue;
      std::erase_if(talkers_, [](const Stranger& one) { return one.is_dropped(patience); });
      return;
    }
  }

  bool came_to_an_end() const { return said_ == text_.size(); }
  std::size_t still_there() const { return talkers_.size(); }

 private:
  static constexpr std::chrono::milliseconds pause = 50ms;
  static constexpr std::chrono::milliseconds patience = 10s;

  const std::string text_;
  std::size_t said_ = 0;
  std::vector<Stranger> talkers_;
};

class SlowHellos : public Siege {
 protected:
  SlowHellos() : Siege({.handshake_timeout = 500ms}) {}
};

INSTANTIATE_TEST_SUITE_P(Sockets, SlowHellos, all_sockets(), scheme_of);

TEST_P(SlowHellos, EndWithTheHandshakeHoweverManyBytesCome) {
  // A minute's worth of what would be taken.
  SlowTalkers slow(uri_, std::vector<std::string>(64, preamble()),
                   announced(4000) + std::string(1200, 'x'));

  slow.talk();

  EXPECT_FALSE(slow.came_to_an_end()) << "each byte has bought it time";
  EXPECT_EQ(slow.still_there(), 0u);
  EXPECT_TRUE(comes_true([&] { return server_.counters().connections == 1; }));
  EXPECT_EQ(server_.counters().strangers_closed, 0u) << "they were not too many";
  expect_bystander_was_served();
}

class SlowPackets : public Siege {};

INSTANTIATE_TEST_SUITE_P(Sockets, SlowPackets,
                         ::testing::Values("tcp://127.0.0.1:0?stall_timeout=500ms",
                                           "unix://*?stall_timeout=500ms"),
                         scheme_of);

TEST_P(SlowPackets, EndWithTheirTimeHoweverManyBytesCome) {
  std::vector<std::string> greetings;
  for (std::uint64_t who = 100; who < 116; ++who) greetings.push_back(greeting(who));
  SlowTalkers slow(uri_, greetings, announced(4000) + std::string(1200, 'x'));
  EXPECT_TRUE(comes_true([&] { return server_.counters().connections == 17; }));

  slow.talk();

  EXPECT_FALSE(slow.came_to_an_end()) << "each byte has bought it time";
  EXPECT_EQ(slow.still_there(), 0u);
  EXPECT_EQ(server_.counters().protocol_errors, 0u);
  EXPECT_TRUE(comes_true([&] { return server_.counters().connections == 1; }));
  expect_bystander_was_served();
}

}  // namespace
}  // namespace trestle::hostile
