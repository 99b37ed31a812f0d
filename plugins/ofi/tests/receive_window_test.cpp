// Credits and large packets, on an endpoint that takes whatever is posted.
#include "../src/receive_window.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <vector>

#include "../src/message_tag.hpp"
#include "../src/packet_assembly.hpp"

namespace trestle::ofi {
namespace {

/// The host's memory, and nothing else of it.
tt_host make_host() {
  tt_host host{};
  host.size = sizeof(host);
  host.wake = [](const tt_host*) {};
  host.now = [](const tt_host*) { return std::uint64_t{0}; };
  host.alloc = [](const tt_host*, std::size_t size, std::size_t align) {
    return std::aligned_alloc(align, (size + align - 1) / align * align);
  };
  host.dealloc = [](const tt_host*, void* p, std::size_t, std::size_t) { std::free(p); };
  return host;
}

ssize_t take_post(fid_ep*, void*, std::size_t, void*, fi_addr_t, void*) {
  return 0;
}

class Windows : public testing::Test {
 protected:
  Windows() {
    operations_.recv = &take_post;
    endpoint_.msg = &operations_;
    window_.open(endpoint_, memory_).value();
  }

  /// A message arrives in `slot`, which is posted again.
  void pass(std::uint32_t slot) {
    window_.count_arrival();
    EXPECT_EQ(window_.post(slot), 0);
  }

  tt_host host_ = make_host();
  std::unique_ptr<transport_kit::Loop> loop_ =
      transport_kit::Loop::create(sdk::Host(&host_)).value();
  fid_domain domain_{};
  fi_ops_msg operations_{};
  fid_ep endpoint_{};
  MessageMemory memory_{*loop_, domain_, Registration::none};
  RoomBudget budget_;
  ReceiveWindow window_{1, 8, 1024, budget_};
};

using ReceiveWindowTest = Windows;
using PacketAssemblyTest = Windows;

TEST_F(ReceiveWindowTest, OwesHalfOfTheCreditsAtTheLatest) {
  for (std::uint32_t slot = 0; slot < 3; ++slot) pass(slot);
  EXPECT_FALSE(window_.owes_credits());

  pass(3);

  EXPECT_TRUE(window_.owes_credits());
  EXPECT_EQ(window_.take_credits(), 4u);
  EXPECT_FALSE(window_.owes_credits());
}

TEST_F(ReceiveWindowTest, OwesOneToWhoCannotSendPackets) {
  for (int i = 0; i < 4; ++i) window_.count_arrival();  // held by the host
  pass(4);

  EXPECT_TRUE(window_.owes_credits()) << "three are left, which are not for packets";
}

TEST_F(ReceiveWindowTest, KnowsWhatItWillOweForWhatTheHostIsShown) {
  for (int i = 0; i < 5; ++i) window_.count_arrival();  // shown, and not posted again yet

  EXPECT_FALSE(window_.owes_credits());
  EXPECT_FALSE(window_.would_owe_credits(0));
  EXPECT_TRUE(window_.would_owe_credits(5)) << "the other side cannot send packets";
}

TEST_F(ReceiveWindowTest, WillNotOweForFewThatAreShown) {
  window_.count_arrival();

  EXPECT_FALSE(window_.would_owe_credits(1)) << "else each round trip would take another round";
}

TEST_F(ReceiveWindowTest, ThanksForControlMessagesOnlyWhoHasNothingLeft) {
  for (int i = 0; i < 6; ++i) window_.count_arrival();
  window_.count_control();
  pass(6);
  EXPECT_FALSE(window_.owes_credits()) << "one is left: two such sides would never be silent";

  window_.count_control();
  pass(7);

  EXPECT_TRUE(window_.owes_credits());
}

TEST_F(ReceiveWindowTest, SaysNothingOfAMessageThatNeedsAGrant) {
  pass(0);
  window_.tell_up_to(window_.next_number());
  for (std::uint32_t slot = 1; slot < 6; ++slot) pass(slot);

  EXPECT_EQ(window_.take_credits(), 1u);
  EXPECT_FALSE(window_.owes_credits());

  window_.tell_all();
  EXPECT_EQ(window_.take_credits(), 5u);
}

TEST_F(ReceiveWindowTest, ShowsWhatArrivedInARoomAndGivesItAway) {
  window_.count_arrival();
  ASSERT_EQ(window_.post(3, memory_.take(100'000).value()), 0);
  EXPECT_TRUE(window_.ends_with_room());
  EXPECT_EQ(window_.room_count(), 1u);
  EXPECT_GE(window_.room_bytes(), 100'000u);

  EXPECT_EQ(window_.bytes(3, 90'000).size(), 90'000u);
  EXPECT_FALSE(window_.fills_room(3, 1024)) << "no more than a slot takes";
  EXPECT_FALSE(window_.fills_room(3, 40'000)) << "whoever keeps it would keep twice as much";
  EXPECT_TRUE(window_.fills_room(3, 90'000));
  const std::byte* const where = window_.bytes(3, 1).data();
  const MessageBufferPtr taken = window_.take_room(3);

  EXPECT_EQ(taken->bytes().data(), where);
  EXPECT_EQ(window_.room_count(), 0u);
  EXPECT_EQ(window_.room_bytes(), 0u);
  EXPECT_EQ(window_.bytes(3, 1024).size(), 1024u) << "its slot is as it was";
}

TEST_F(ReceiveWindowTest, GivesBackRoomsAndTheirBudget) {
  {
    ReceiveWindow other(2, 8, 1024, budget_);
    other.open(endpoint_, memory_).value();
    ASSERT_EQ(other.post(0, memory_.take(RoomBudget::bytes_max + 1).value()), 0);
    EXPECT_FALSE(budget_.has(1)) << "for all connections together";
    other.drop_room(0);
    EXPECT_TRUE(budget_.has(RoomBudget::bytes_max));
    ASSERT_EQ(other.post(0, memory_.take(100'000).value()), 0);
  }

  EXPECT_TRUE(budget_.has(RoomBudget::bytes_max)) << "also of what ended with a room";
}

TEST_F(ReceiveWindowTest, OwesHalfOfWhatIsNotParked) {
  ReceiveWindow window(3, 16, 1024, budget_);
  window.open(endpoint_, memory_).value();
  const auto arrive = [&](std::uint32_t slot) {
    window.count_arrival();
    EXPECT_EQ(window.post_up_to(8, slot), 0);
  };
  for (std::uint32_t slot = 0; slot < 8; ++slot) arrive(slot);
  EXPECT_EQ(window.outstanding(), 8u);
  EXPECT_FALSE(window.owes_credits()) << "none is posted again";

  for (std::uint32_t slot = 8; slot < 11; ++slot) arrive(slot);
  EXPECT_FALSE(window.owes_credits());
  arrive(11);

  EXPECT_TRUE(window.owes_credits()) << "four of eight";
}

TEST_F(ReceiveWindowTest, PostsWhatWasParkedOnceMoreMessagesMayCome) {
  const auto arrive = [&](std::optional<std::size_t> most) {
    window_.count_arrival();
    EXPECT_EQ(window_.post_up_to(most, 0), 0);
  };
  for (int i = 0; i < 4; ++i) arrive(5);
  EXPECT_EQ(window_.outstanding(), 5u);

  arrive(6);
  EXPECT_EQ(window_.outstanding(), 6u);
  arrive(std::nullopt);

  EXPECT_EQ(window_.outstanding(), 8u) << "all";
}

TEST(RoomForecastTest, WantsRoomsOnceALargePacketCame) {
  RoomForecast forecast(1024, 1u << 20);
  EXPECT_EQ(forecast.room_bytes(), 0u);
  EXPECT_FALSE(forecast.wants_more(0));
  EXPECT_FALSE(forecast.messages_wanted().has_value());

  forecast.note_packet(1024);
  EXPECT_FALSE(forecast.wants_more(0)) << "it fits into any buffer";
  forecast.note_packet(100'000);

  EXPECT_EQ(forecast.room_bytes(), 102'400u);
  EXPECT_TRUE(forecast.wants_more(7));
  EXPECT_FALSE(forecast.wants_more(RoomForecast::rooms_max));
  EXPECT_TRUE(forecast.allows(1u << 20));
  EXPECT_FALSE(forecast.allows((1u << 20) + 1));
  EXPECT_EQ(forecast.messages_wanted(), 2 * RoomForecast::rooms_max);
}

TEST(RoomForecastTest, LeavesToAnnouncementsWhatRoomsAreTooSmallFor) {
  RoomForecast forecast(1024, 1u << 20);

  forecast.note_packet((1u << 19) + 1);
  EXPECT_FALSE(forecast.wants_more(0)) << "there would be but one";
  forecast.note_packet(1u << 19);
  EXPECT_TRUE(forecast.wants_more(1));
  EXPECT_EQ(forecast.messages_wanted(), 8u);

  RoomForecast none(1024, 0);
  none.note_packet(100'000);
  EXPECT_FALSE(none.wants_more(0));

  forecast.give_up();
  forecast.note_packet(100'000);
  EXPECT_FALSE(forecast.wants_more(0)) << "for good";
}

TEST(RoomForecastTest, GivesUpWhereSmallPacketsTakeTheRooms) {
  RoomForecast forecast(1024, 1u << 20);
  forecast.note_packet(100'000);

  for (int i = 0; i < 7; ++i) forecast.note_waste();

  EXPECT_FALSE(forecast.messages_wanted().has_value());
}

TEST(RoomForecastTest, FollowsSizesSlowly) {
  RoomForecast forecast(1024, 1u << 20);
  forecast.note_packet(400'000);

  forecast.note_packet(2'000);
  EXPECT_GE(forecast.room_bytes(), 300'000u) << "one smaller packet says little";
  for (int i = 0; i < 30; ++i) forecast.note_packet(2'000);

  EXPECT_EQ(forecast.room_bytes(), 4096u);
}

std::vector<std::byte> bytes(std::size_t size, int value) {
  return std::vector<std::byte>(size, static_cast<std::byte>(value));
}

TEST_F(PacketAssemblyTest, FillsWhatLiesInFrontOfADirectPart) {
  PacketAssembly packet(memory_.take(5000).value());
  ASSERT_TRUE(packet.append(bytes(1000, 1)));
  const auto room = packet.room_after(2, 1000);
  ASSERT_EQ(room.size(), 2000u);
  packet.expect_direct(room);
  EXPECT_TRUE(packet.room_after(0, 1000).empty()) << "one at a time";

  std::fill(room.begin(), room.end(), std::byte{9});
  ASSERT_TRUE(packet.finish_direct(2000));
  EXPECT_FALSE(packet.is_whole());
  ASSERT_TRUE(packet.append(bytes(1500, 2))) << "fewer bytes than were expected before it";
  ASSERT_TRUE(packet.append(bytes(500, 3)));

  ASSERT_TRUE(packet.is_whole());
  const auto memory = packet.take();
  EXPECT_EQ(memory->bytes()[2499], std::byte{2});
  EXPECT_EQ(memory->bytes()[2999], std::byte{3});
  EXPECT_EQ(memory->bytes()[3000], std::byte{9});
}

TEST_F(PacketAssemblyTest, GoesOnBehindADirectPartThatWasShort) {
  PacketAssembly packet(memory_.take(5000).value());
  const auto room = packet.room_after(1, 1000);
  packet.expect_direct(room);
  ASSERT_TRUE(packet.append(bytes(1000, 1)));
  EXPECT_FALSE(packet.append(bytes(1, 1))) << "there is nothing left before the direct part";
  ASSERT_TRUE(packet.finish_direct(2500));

  EXPECT_EQ(packet.room_after(0, 1000).size(), 1500u);
  EXPECT_FALSE(packet.append(bytes(1501, 2)));
  ASSERT_TRUE(packet.append(bytes(1500, 2)));
  EXPECT_TRUE(packet.is_whole());
}

TEST_F(PacketAssemblyTest, PromisesNoRoomThatIsNotWorthIt) {
  PacketAssembly packet(memory_.take(5000).value());

  EXPECT_TRUE(packet.room_after(4, 1000).empty());
  EXPECT_EQ(packet.room_after(3, 1000).size(), 2000u);
}

TEST_F(Windows, MemoryThatComesBackIsUsedAgainUpToItsBound) {
  auto first = memory_.take(1000).value();
  const std::byte* const where = first->bytes().data();
  memory_.give_back(std::move(first));
  auto again = memory_.take(900).value();
  EXPECT_EQ(again->bytes().data(), where);

  for (std::size_t i = 0; i < 4; ++i) {
    memory_.give_back(memory_.take((20 + i) << 20).value());
  }

  EXPECT_LE(memory_.kept_bytes(), MessageMemory::kept_bytes_max);
  EXPECT_EQ(memory_.kept_buffers(), 2u) << "the two that were used last";
}

}  // namespace
}  // namespace trestle::ofi
