// Slots and generations of calls.
#include "calls/call_table.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace trestle::calls {
namespace {

struct Sink final : CallSink {
  void complete(Result<Encoded>&&) noexcept override {}
};

struct Deadlines final : DeadlineEvents {
  void on_deadline(wire::CallId call) override { late.push_back(call); }
  std::vector<wire::CallId> late;
};

class CallTableTest : public ::testing::Test {
 protected:
  Sink sink_;
  Deadlines deadlines_;
};

TEST_F(CallTableTest, FindsACallByItsIdUntilItEnds) {
  CallTable calls(4, deadlines_);
  PendingCall& call = *calls.acquire(sink_).value();
  const wire::CallId id = call.id;

  EXPECT_EQ(calls.find(id), &call);
  EXPECT_EQ(calls.release(call), &sink_);
  EXPECT_EQ(calls.find(id), nullptr);
}

TEST_F(CallTableTest, GivesAReusedSlotAnotherId) {
  CallTable calls(1, deadlines_);
  PendingCall& first = *calls.acquire(sink_).value();
  const wire::CallId old = first.id;
  calls.release(first);

  const wire::CallId fresh = calls.acquire(sink_).value()->id;

  EXPECT_EQ(fresh.slot(), old.slot());
  EXPECT_NE(fresh, old);
  EXPECT_EQ(calls.find(old), nullptr) << "a late outcome finds nothing";
  EXPECT_NE(calls.find(fresh), nullptr);
}

TEST_F(CallTableTest, StartsAReusedSlotAfresh) {
  CallTable calls(1, deadlines_);
  PendingCall& first = *calls.acquire(sink_).value();
  first.frame = 7;
  first.may_withdraw = true;
  calls.release(first);

  const PendingCall& again = *calls.acquire(sink_).value();

  EXPECT_EQ(again.frame, 0u);
  EXPECT_FALSE(again.may_withdraw);
}

TEST_F(CallTableTest, NamesTheLimitWhenItIsFull) {
  CallTable calls(2, deadlines_);
  ASSERT_TRUE(calls.acquire(sink_).has_value());
  ASSERT_TRUE(calls.acquire(sink_).has_value());

  const auto third = calls.acquire(sink_);

  ASSERT_TRUE(third.has_error());
  EXPECT_TRUE(third.error().is(Errc::too_many_calls));
  EXPECT_EQ(third.error().text, "too many calls outstanding on this connection: 2 of calls_max 2");
  EXPECT_EQ(third.error().ran, Ran::no);
}

TEST_F(CallTableTest, TakesACallAgainOnceOneEnded) {
  CallTable calls(1, deadlines_);
  calls.release(*calls.acquire(sink_).value());

  EXPECT_TRUE(calls.acquire(sink_).has_value());
  EXPECT_EQ(calls.size(), 1u);
}

TEST_F(CallTableTest, KnowsNothingOfSlotsThatItNeverGaveOut) {
  CallTable calls(4, deadlines_);

  EXPECT_EQ(calls.find(wire::CallId::make(0, 1)), nullptr);
  EXPECT_EQ(calls.find(wire::CallId::make(3, 1)), nullptr);
  EXPECT_EQ(calls.find(wire::CallId{}), nullptr);
}

TEST_F(CallTableTest, NeverGivesOutTheSlotThatMeansNoCall) {
  CallTable calls(wire::CallId::no_slot + 100u, deadlines_);

  EXPECT_EQ(calls.calls_max(), wire::CallId::no_slot);
}

TEST_F(CallTableTest, VisitsWaitingCallsInOrderAndMayReleaseThem) {
  CallTable calls(4, deadlines_);
  PendingCall& first = *calls.acquire(sink_).value();
  PendingCall& second = *calls.acquire(sink_).value();
  PendingCall& third = *calls.acquire(sink_).value();
  calls.release(second);
  std::vector<PendingCall*> visited;

  calls.for_each([&](PendingCall& call) {
    visited.push_back(&call);
    calls.release(call);
  });

  EXPECT_EQ(visited, (std::vector<PendingCall*>{&first, &third}));
  EXPECT_EQ(calls.size(), 0u);
}

TEST_F(CallTableTest, TellsWhichCallIsLate) {
  CallTable calls(4, deadlines_);
  engine::TimerQueue timers;
  PendingCall& call = *calls.acquire(sink_).value();
  timers.arm(call, TimePoint(5));

  timers.expire(TimePoint(5));

  EXPECT_EQ(deadlines_.late, std::vector<wire::CallId>{call.id});
}

}  // namespace
}  // namespace trestle::calls
