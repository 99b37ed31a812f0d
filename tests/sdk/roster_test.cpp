// When connections and listeners may go, and that DOWN comes last.
#include <trestle/transport_kit/roster.hpp>

#include "counting_host.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace {

using namespace trestle::transport_kit;
using trestle::sdk::CloseMode;
using trestle::sdk::testing::CountingHost;

/// Says when it is destroyed.
struct Life {
  explicit Life(int& counter) : ended(counter) {}
  ~Life() { ++ended; }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  int& ended;
};

struct Connection {
  Connection(Loop& its_loop, int& ended) : loop(its_loop), life(ended) {}
  bool is_closed() const { return closed; }
  void close(CloseMode) { closing = true; }
  void end() {
    closed = true;
    tt_event event{};
    event.kind = TT_EV_CLOSED;
    loop.emit(event, nullptr);
  }
  Loop& loop;
  Life life;
  bool closing = false;
  bool closed = false;
};

struct Listener {
  Listener(Loop& its_loop, int& ended) : loop(its_loop), life(ended) {}
  bool is_open() const { return open; }
  void close() {
    if (!std::exchange(open, false)) return;
    tt_event event{};
    event.kind = TT_EV_UNLISTENED;
    loop.emit(event, nullptr);
  }
  Loop& loop;
  Life life;
  bool open = true;
};

class RosterOfOne : public testing::Test {
 protected:
  /// The kinds of events of one progress() with room for `cap`.
  std::vector<int> round(std::size_t cap = 8) {
    std::array<tt_event, 8> events;
    roster_.begin_round(std::span(events).first(cap));
    const std::int32_t count = roster_.end_round();
    std::vector<int> kinds;
    for (std::int32_t i = 0; i < count; ++i) {
      kinds.push_back(events[static_cast<std::size_t>(i)].kind);
    }
    return kinds;
  }

  int ended_ = 0;
  CountingHost host_;
  const std::unique_ptr<Loop> loop_ = std::move(Loop::create(host_.host()).value());
  Roster<Connection, Listener> roster_{*loop_};
};

TEST_F(RosterOfOne, KeepsAFreedConnectionUntilTheNextRound) {
  Connection& conn = roster_.add(std::make_unique<Connection>(*loop_, ended_));
  conn.end();
  EXPECT_EQ(round(), std::vector<int>{TT_EV_CLOSED});

  roster_.free(conn);

  EXPECT_EQ(ended_, 0);
  round();
  EXPECT_EQ(ended_, 1);
}

TEST_F(RosterOfOne, KeepsAListenerUntilUnlistenedIsHandedOut) {
  Connection& conn = roster_.add(std::make_unique<Connection>(*loop_, ended_));
  Listener& listener = roster_.add(std::make_unique<Listener>(*loop_, ended_));
  conn.end();
  listener.close();

  EXPECT_EQ(round(1), std::vector<int>{TT_EV_CLOSED});
  EXPECT_EQ(round(1), std::vector<int>{TT_EV_UNLISTENED});
  EXPECT_EQ(ended_, 0);
  round();
  EXPECT_EQ(ended_, 1);
}

TEST_F(RosterOfOne, GoesDownAfterTheLastConnection) {
  Connection& conn = roster_.add(std::make_unique<Connection>(*loop_, ended_));
  roster_.add(std::make_unique<Listener>(*loop_, ended_));

  roster_.shut_down();

  EXPECT_FALSE(roster_.is_open());
  EXPECT_TRUE(conn.closing);
  EXPECT_EQ(round(), std::vector<int>{TT_EV_UNLISTENED});
  EXPECT_TRUE(roster_.arm().may_sleep);
  conn.end();
  EXPECT_FALSE(roster_.arm().may_sleep);
  EXPECT_EQ(round(), (std::vector<int>{TT_EV_CLOSED, TT_EV_DOWN}));
  EXPECT_FALSE(roster_.is_over());  // the host has not freed the connection
  roster_.free(conn);
  EXPECT_TRUE(roster_.is_over());
  EXPECT_EQ(round(), std::vector<int>{});
}

TEST_F(RosterOfOne, DoesNotLetTheHostSleepBeforeDown) {
  roster_.shut_down();

  EXPECT_FALSE(roster_.arm().may_sleep);
  EXPECT_EQ(round(), std::vector<int>{TT_EV_DOWN});
  EXPECT_TRUE(roster_.is_over());
}

}  // namespace
