// Handing out events in batches: order, bounds, and the promises about ACCEPTED and CLOSED.
#include <trestle/transport_kit/event_queue.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using trestle::transport_kit::EventQueue;

tt_conn* const one = reinterpret_cast<tt_conn*>(0x1000);
tt_conn* const two = reinterpret_cast<tt_conn*>(0x2000);

tt_event event(std::uint16_t kind, tt_conn* conn) {
  tt_event e{};
  e.kind = kind;
  e.conn = conn;
  return e;
}

class EventQueueTest : public testing::Test {
 protected:
  std::vector<int> batch(std::size_t cap) {
    queue.begin(std::span(out).first(cap));
    return kinds();
  }
  std::vector<int> kinds() {
    std::vector<int> result;
    const std::size_t count = queue.end();
    for (std::size_t i = 0; i < count; ++i) result.push_back(out[i].kind);
    return result;
  }

  EventQueue queue;
  std::array<tt_event, 8> out{};
};

TEST_F(EventQueueTest, KeepsOrderAcrossBatchesOfOne) {
  queue.push(event(TT_EV_CONNECTED, one));
  queue.push(event(TT_EV_SENT, one));
  queue.push(event(TT_EV_CLOSED, one));

  EXPECT_THAT(batch(1), ElementsAre(TT_EV_CONNECTED));
  EXPECT_THAT(batch(1), ElementsAre(TT_EV_SENT));
  EXPECT_THAT(batch(1), ElementsAre(TT_EV_CLOSED));
  EXPECT_THAT(batch(1), IsEmpty());
}

TEST_F(EventQueueTest, ReportsRoomOnlyForWhatGoesOutAtOnce) {
  EXPECT_FALSE(queue.has_room(one)) << "no batch";
  queue.begin(std::span(out).first(2));
  EXPECT_EQ(queue.room(), 2u);
  queue.push(event(TT_EV_PACKET, one));
  EXPECT_TRUE(queue.has_room(one));
  queue.push(event(TT_EV_PACKET, one));
  EXPECT_FALSE(queue.has_room(one));
  queue.push(event(TT_EV_WRITABLE, one));
  EXPECT_FALSE(queue.empty());
  EXPECT_THAT(kinds(), ElementsAre(TT_EV_PACKET, TT_EV_PACKET));
  EXPECT_THAT(batch(8), ElementsAre(TT_EV_WRITABLE));
}

TEST_F(EventQueueTest, HandsOutAcceptedAloneOfItsConnection) {
  queue.begin(out);
  queue.push(event(TT_EV_ACCEPTED, one));
  EXPECT_FALSE(queue.has_room(one));
  EXPECT_TRUE(queue.has_room(two));
  queue.push(event(TT_EV_PACKET, two));
  queue.push(event(TT_EV_CLOSED, one));

  EXPECT_THAT(kinds(), ElementsAre(TT_EV_ACCEPTED, TT_EV_PACKET));
  EXPECT_THAT(batch(8), ElementsAre(TT_EV_CLOSED));
}

TEST_F(EventQueueTest, HandsOutAWaitingAcceptedAloneToo) {
  queue.push(event(TT_EV_ACCEPTED, one));
  queue.push(event(TT_EV_CLOSED, one));
  queue.push(event(TT_EV_DOWN, nullptr));

  EXPECT_THAT(batch(8), ElementsAre(TT_EV_ACCEPTED));
  EXPECT_THAT(batch(8), ElementsAre(TT_EV_CLOSED, TT_EV_DOWN));
}

TEST_F(EventQueueTest, ReadsTheCookieWhenTheEventIsHandedOut) {
  int cookie = 0;
  void* user = nullptr;
  queue.push(event(TT_EV_CLOSED, one), &user);
  user = &cookie;

  batch(8);

  EXPECT_EQ(out[0].user, &cookie);
}

TEST_F(EventQueueTest, KeepsTheTextOfAHandedOutEventUntilTheNextBatch) {
  const std::string why(100, 'w');
  queue.push(event(TT_EV_CLOSED, one), nullptr, why);
  queue.push(event(TT_EV_CLOSED, two), nullptr, "short");

  batch(8);

  EXPECT_STREQ(static_cast<const char*>(out[0].data), why.c_str());
  EXPECT_STREQ(static_cast<const char*>(out[1].data), "short");
}

}  // namespace
