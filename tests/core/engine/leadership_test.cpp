// Who leads, who follows, and that nobody is forgotten.
#include "engine/leadership.hpp"

#include <latch>

#include "leadership_rig.hpp"

namespace trestle::engine {
namespace {

using namespace std::chrono_literals;
using LeadershipTest = LeadershipRig;

TEST_F(LeadershipTest, LetsACallerLeadWhenNobodyDoes) {
  Waiter waiter;
  std::thread caller = start_waiting(waiter);
  await_rest_of(caller.get_id());

  arrive(waiter);
  caller.join();

  EXPECT_TRUE(waiter.is_done());
}

TEST_F(LeadershipTest, DoesNotWaitForWhatIsDone) {
  Waiter waiter;
  Lock lock(engine_.mutex());
  leadership_.finish(waiter);

  leadership_.wait(lock, waiter);

  EXPECT_FALSE(lock.owns_lock());
  EXPECT_TRUE(rests_.empty());
}

TEST_F(LeadershipTest, RelievesTheThreadWhileItRests) {
  must_be_led_ = true;
  const auto thread = start_thread();
  Waiter waiter;

  std::thread caller = start_waiting(waiter);
  await_rest_of(caller.get_id());
  const std::size_t rests = rests_of(thread);
  arrive(waiter);
  caller.join();

  EXPECT_EQ(rests, 1u) << "the thread stands by while the caller leads";
  await_rest_of(thread);
  stop_thread();
}

TEST_F(LeadershipTest, PromotesParkedCallersInOrder) {
  Waiter first, second, third;
  std::thread one = start_waiting(first);
  await_rest_of(one.get_id());
  std::thread two = start_waiting(second);
  std::thread three = start_waiting(third);

  arrive(first);
  await_rest_of(two.get_id());
  arrive(second);
  await_rest_of(three.get_id());
  arrive(third);

  one.join();
  two.join();
  three.join();
}

TEST_F(LeadershipTest, EndsAParkedWaitWithoutLeading) {
  Waiter first, second;
  std::thread leader = start_waiting(first);
  await_rest_of(leader.get_id());
  std::thread parked = start_waiting(second);
  const auto parked_id = parked.get_id();

  arrive(second);
  parked.join();
  arrive(first);
  leader.join();

  EXPECT_EQ(rests_of(parked_id), 0u);
}

TEST_F(LeadershipTest, TakesAParkedWaiterOutOfTheMiddle) {
  Waiter first, second, third, fourth;
  std::thread one = start_waiting(first);
  await_rest_of(one.get_id());
  std::thread two = start_waiting(second);
  std::thread three = start_waiting(third);

  arrive(third);
  three.join();
  std::thread four = start_waiting(fourth);
  arrive(first);
  await_rest_of(two.get_id());
  arrive(second);
  await_rest_of(four.get_id());
  arrive(fourth);

  one.join();
  two.join();
  four.join();
}

TEST_F(LeadershipTest, EndsTheWaitOfALeaderThatSleeps) {
  Waiter waiter;
  std::thread leader = start_waiting(waiter);
  await_rest_of(leader.get_id());

  {
    const Lock lock(engine_.mutex());
    leadership_.finish(waiter);  // not by a turn: by a thread that ends a call
  }

  leader.join();
}

TEST_F(LeadershipTest, GoesToTheThreadAtOnceWhenTheNodeMustBeLed) {
  must_be_led_ = true;
  const auto thread = start_thread();
  Waiter waiter;
  std::thread caller = start_waiting(waiter);
  await_rest_of(caller.get_id());

  arrive(waiter);
  caller.join();

  await_rest_of(thread);  // although the clock stands still
  stop_thread();
}

TEST_F(LeadershipTest, LingersForTheNextCallOtherwise) {
  must_be_led_ = true;
  const auto thread = start_thread();
  {
    const Lock lock(engine_.mutex());
    must_be_led_ = false;
  }
  for (int i = 0; i < 50; ++i) {
    Waiter waiter;
    std::thread caller = start_waiting(waiter);
    await_rest_of(caller.get_id());
    arrive(waiter);
    caller.join();
  }
  EXPECT_EQ(rests_of(thread), 1u) << "led although the linger was not over";

  clock_.advance(1ms);

  await_rest_of(thread);
  stop_thread();
}

TEST_F(LeadershipTest, CutsTheLingerShortWhenSomethingIsOnItsWay) {
  const auto thread = start_thread();
  Waiter waiter;
  std::thread caller = start_waiting(waiter);
  await_rest_of(caller.get_id());
  arrive(waiter);
  caller.join();

  {
    const Lock lock(engine_.mutex());
    leadership_.ensure_led();
  }

  await_rest_of(thread);  // although the clock stands still
  stop_thread();
}

TEST_F(LeadershipTest, StaysWithTheLeaderThatWaitsWithinItsTurn) {
  must_be_led_ = true;
  const auto thread = start_thread();
  Waiter inner, outer;
  {
    const Lock lock(engine_.mutex());
    user_code_ = [&] {
      Lock nested(engine_.mutex());
      leadership_.wait_within_turn(nested, inner);
    };
    inbox_.push_back(&outer);  // makes a turn happen; nobody waits for it
    engine_.wake();
  }
  await_rest_of(thread);

  Waiter waiter;
  std::thread caller = start_waiting(waiter);
  const auto caller_id = caller.get_id();
  arrive(waiter);
  caller.join();
  arrive(inner);
  await_rest_of(thread);

  EXPECT_EQ(rests_of(caller_id), 0u) << "it led while a turn was under way";
  stop_thread();
}

TEST_F(LeadershipTest, PromotesACallerWhenTheThreadsTurnIsOver) {
  must_be_led_ = true;
  const auto thread = start_thread();
  Waiter inner, outer, waiter;
  {
    const Lock lock(engine_.mutex());
    user_code_ = [&] {
      Lock nested(engine_.mutex());
      leadership_.wait_within_turn(nested, inner);
    };
    inbox_.push_back(&outer);
    engine_.wake();
  }
  await_rest_of(thread);
  std::thread caller = start_waiting(waiter);

  arrive(inner);
  await_rest_of(caller.get_id());
  arrive(waiter);

  caller.join();
  stop_thread();
}

TEST_F(LeadershipTest, IsTakenOverOnceTheLeaderIsDone) {
  Waiter waiter;
  std::thread caller = start_waiting(waiter);
  await_rest_of(caller.get_id());
  std::atomic<bool> over{false};

  std::thread closer([&] {
    Lock lock(engine_.mutex());
    EXPECT_TRUE(leadership_.take_over_within(lock, 1h));
    over = true;
    EXPECT_TRUE(waiter.is_done());
  });
  EXPECT_FALSE(over);
  arrive(waiter);

  caller.join();
  closer.join();
}

struct OnRealTime : LeadershipRig {
  OnRealTime() : LeadershipRig(Spin::automatic, &steady_clock()) {}
};

TEST_F(OnRealTime, ATurnThatDoesNotEndHoldsUpNobodyWhoWaitsInTime) {
  std::latch in_code(1);
  std::latch release(1);
  start_thread();
  {
    const Lock lock(engine_.mutex());
    user_code_ = [&] {
      in_code.count_down();
      release.wait();
    };
    engine_.wake();
  }
  in_code.wait();
  Waiter waiter;
  {
    Lock lock(engine_.mutex());
    EXPECT_FALSE(leadership_.wait_at_most(lock, waiter, 10ms));
    EXPECT_FALSE(lock.owns_lock());
  }

  EXPECT_FALSE(waiter.is_done());
  EXPECT_FALSE(leadership_.stop_thread_within(10ms));
  {
    Lock lock(engine_.mutex());
    EXPECT_FALSE(leadership_.take_over_within(lock, 10ms));
    EXPECT_TRUE(lock.owns_lock());
  }
  release.count_down();
  stop_thread();
  Lock lock(engine_.mutex());
  EXPECT_TRUE(leadership_.take_over_within(lock, 1h));
}

TEST_F(OnRealTime, AnIdleThreadSleepsFromOneEventToTheNext) {
  struct Alarm final : Timer {
    void expire() override { rang = true; }
    bool rang = false;
  } alarm;
  must_be_led_ = true;
  const auto thread = start_thread();

  {
    const Lock lock(engine_.mutex());
    engine_.arm_timer(alarm, engine_.now() + 50ms);
  }
  await([&] { return alarm.rang; });
  stop_thread();

  // At the start, once it knows of the timer, and after the timer.
  EXPECT_LE(rests_of(thread), 3u);
}

/// Callers whose outcomes another thread brings, as a transport would.
class Handovers : public LeadershipRig, public ::testing::WithParamInterface<Spin> {
 protected:
  Handovers() : LeadershipRig(GetParam(), &steady_clock()) {}

  void call_often(int times) {
    for (int i = 0; i < times; ++i) {
      Waiter waiter;
      Lock lock(engine_.mutex());
      called_.push_back(&waiter);
      changed_.notify_all();
      leadership_.wait(lock, waiter);
      if (waiter.is_done()) ++ended_;
    }
  }
  void bring_outcomes(int count) {
    while (count > 0) {
      Lock lock(engine_.mutex());
      changed_.wait(lock, [&] { return !called_.empty(); });
      // The latest first, so that those that are parked end in any order.
      inbox_.push_back(called_.back());
      called_.pop_back();
      engine_.wake();
      --count;
      must_be_led_ = count % 3 == 0;
    }
  }

  std::vector<Waiter*> called_;
  std::atomic<int> ended_{0};
};

INSTANTIATE_TEST_SUITE_P(Spins, Handovers, ::testing::Values(Spin::off, Spin::on, Spin::automatic));

TEST_P(Handovers, LoseNoWakeUp) {
  constexpr int callers = 4;
  constexpr int calls = 2500;
  leadership_.start_thread();
  std::vector<std::thread> threads;

  for (int i = 0; i < callers; ++i) threads.emplace_back([this] { call_often(calls); });
  bring_outcomes(callers * calls);

  for (std::thread& thread : threads) thread.join();
  stop_thread();
  EXPECT_EQ(ended_, callers * calls);
}

}  // namespace
}  // namespace trestle::engine
