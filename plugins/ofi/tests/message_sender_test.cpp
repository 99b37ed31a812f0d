// Which message takes a large packet as a whole, on an endpoint that takes whatever is sent.
#include "../src/message_sender.hpp"

#include <gmock/gmock.h>

namespace trestle::ofi {
namespace {

using testing::Optional;

ssize_t take_injected(fid_ep*, const void*, std::size_t, std::uint64_t, fi_addr_t) {
  return 0;
}

class MessageSenderTest : public testing::Test {
 protected:
  MessageSenderTest() {
    operations_.injectdata = &take_injected;
    endpoint_.msg = &operations_;
    sender_.open(endpoint_, Greeting{16, 1024});
  }

  bool add_room(const Room& room) { return sender_.take_report({.taken = 0, .rooms = {room}}); }
  void pass(int messages) {
    for (int i = 0; i < messages; ++i) {
      ASSERT_EQ(sender_.inject(MessageKind::skip, {}), MessageSender::Outcome::sent);
    }
  }

  fi_ops_msg operations_{};
  fid_ep endpoint_{};
  RoomBudget budget_;
  ReceiveWindow window_{1, 8, 1024, budget_};
  MessageSender sender_{1, SendLimits{}, window_};
};

TEST_F(MessageSenderTest, CountsTheMessagesBeforeARoom) {
  EXPECT_EQ(sender_.messages_before_room(5000), std::nullopt);
  ASSERT_TRUE(add_room({3, 5000}));

  EXPECT_THAT(sender_.messages_before_room(5000), Optional(3u));
  pass(3);
  EXPECT_THAT(sender_.messages_before_room(5000), Optional(0u));
  pass(1);
  EXPECT_EQ(sender_.messages_before_room(5000), std::nullopt) << "it has passed";
}

TEST_F(MessageSenderTest, TakesTheFirstRoomThatIsLargeEnough) {
  ASSERT_TRUE(add_room({1, 2000}));
  ASSERT_TRUE(add_room({3, 5000}));

  EXPECT_THAT(sender_.messages_before_room(2000), Optional(1u));
  EXPECT_THAT(sender_.messages_before_room(2001), Optional(3u));
  EXPECT_EQ(sender_.messages_before_room(5001), std::nullopt);
}

TEST_F(MessageSenderTest, PassesOverNoMoreMessagesThanAnAnnouncementTakes) {
  ASSERT_TRUE(add_room({7, 5000}));

  EXPECT_EQ(sender_.messages_before_room(5000), std::nullopt) << "one, and five parts";
  pass(1);
  EXPECT_THAT(sender_.messages_before_room(5000), Optional(6u));
}

TEST_F(MessageSenderTest, AwaitsARoomUntilItHearsOfAllThatItFilled) {
  EXPECT_FALSE(sender_.awaits_room(5000)) << "there was none";
  ASSERT_TRUE(add_room({0, 5000}));
  pass(2);
  sender_.count_filled_room();
  sender_.count_filled_room();

  EXPECT_TRUE(sender_.awaits_room(5000));
  EXPECT_FALSE(sender_.awaits_room(5001)) << "no room was as large as that";
  ASSERT_TRUE(sender_.take_report({.taken = 1, .rooms = {}}));
  EXPECT_TRUE(sender_.awaits_room(5000));
  ASSERT_TRUE(sender_.take_report({.taken = 2, .rooms = {}}));
  EXPECT_FALSE(sender_.awaits_room(5000));
}

TEST_F(MessageSenderTest, IgnoresRoomsItWasToldOfTooLate) {
  pass(4);
  ASSERT_TRUE(add_room({3, 5000}));
  ASSERT_TRUE(add_room({5, 5000}));

  EXPECT_THAT(sender_.messages_before_room(5000), Optional(1u));
}

TEST_F(MessageSenderTest, TakesAnyNumberOfRoomsOverTime) {
  for (std::uint64_t i = 0; i < 2 * Greeting::buffers_max; ++i) {
    ASSERT_TRUE(add_room({i, 5000})) << i;
    pass(1);
  }
}

TEST_F(MessageSenderTest, RefusesRoomsThatMakeNoSense) {
  ASSERT_TRUE(add_room({4, 5000}));

  EXPECT_FALSE(add_room({4, 5000})) << "there is one";
  EXPECT_FALSE(add_room({3, 5000})) << "they come in order";
  EXPECT_FALSE(add_room({5, 0}));
  for (std::uint64_t i = 1; i < Greeting::buffers_max; ++i) {
    ASSERT_TRUE(add_room({4 + i, 5000}));
  }
  EXPECT_FALSE(add_room({100'000, 5000})) << "more than anybody has buffers";
}

TEST_F(MessageSenderTest, RefusesReportsOfRoomsThatItDidNotFill) {
  sender_.count_filled_room();
  EXPECT_FALSE(sender_.take_report({.taken = 2, .rooms = {}}));

  ASSERT_TRUE(sender_.take_report({.taken = 1, .rooms = {}}));
  EXPECT_FALSE(sender_.take_report({.taken = 0, .rooms = {}})) << "they were taken already";
}

}  // namespace
}  // namespace trestle::ofi
