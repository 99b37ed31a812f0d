// One gate after the other, and leaving on the way.
#include "dispatch/passage.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <thread>
#include <vector>

namespace trestle::dispatch {
namespace {

/// A run that notes when it is through.
struct Walk : Passage {
  Walk(std::initializer_list<Permits*> gates, std::size_t waiting_max = 10) {
    for (Permits* gate : gates) add_gate({gate, waiting_max});
  }
  Outcome start() {
    return note(enter([this] { return task(); }));
  }
  Permits::Task task() {
    return [this] { note(inherit([this] { return task(); })); };
  }
  Outcome note(Outcome outcome) {
    last = outcome;
    return outcome;
  }
  Outcome last = Outcome::waiting;
};

using Outcome = Passage::Outcome;

TEST(Passage, WithoutGatesIsThroughAtOnce) {
  Walk run({});

  EXPECT_EQ(run.start(), Outcome::through);
  EXPECT_FALSE(run.is_gated());
}

TEST(Passage, TakesAPermitOfEachGate) {
  Permits first(1);
  Permits second(1);
  Walk one({&first, &second});
  Walk two({&first});
  Walk three({&second});

  EXPECT_EQ(one.start(), Outcome::through);
  EXPECT_EQ(two.start(), Outcome::waiting);
  EXPECT_EQ(three.start(), Outcome::waiting);
  one.leave();

  EXPECT_EQ(two.last, Outcome::through);
  EXPECT_EQ(three.last, Outcome::through);
}

TEST(Passage, GoesOnFromTheGateWhereItWaited) {
  Permits first(1);
  Permits second(1);
  Walk holds_first({&first});
  Walk holds_second({&second});
  Walk run({&first, &second});
  holds_first.start();
  holds_second.start();
  ASSERT_EQ(run.start(), Outcome::waiting);

  holds_first.leave();
  EXPECT_EQ(run.last, Outcome::waiting) << "at the second gate now";
  holds_second.leave();
  EXPECT_EQ(run.last, Outcome::through);
}

TEST(Passage, GivesBackWhatItHasWhenItLeavesWhileItWaits) {
  Permits first(1);
  Permits second(1);
  Walk holds_second({&second});
  Walk run({&first, &second});
  Walk next({&first});
  holds_second.start();
  run.start();
  next.start();
  ASSERT_EQ(next.last, Outcome::waiting);

  run.leave();
  EXPECT_EQ(next.last, Outcome::through);
  holds_second.leave();
  EXPECT_EQ(run.last, Outcome::waiting) << "it waits no more";
  EXPECT_EQ(second.waiting(), 0u);
}

TEST(Passage, DoesNotTakeAPlaceInAnotherLineForItsOwn) {
  Permits first(1);
  Permits second(1);
  Walk holds_first({&first});
  Walk holds_second({&second});
  Walk other({&second});
  Walk run({&first, &second}, 1);
  holds_first.start();
  holds_second.start();
  run.start();    // place 1 of the first gate
  other.start();  // place 1 of the second one
  holds_first.leave();
  ASSERT_EQ(run.last, Outcome::full) << "one waits there already";

  run.leave();

  EXPECT_EQ(second.waiting(), 1u) << "the other one still waits";
  holds_second.leave();
  EXPECT_EQ(other.last, Outcome::through);
}

TEST(Passage, SaysWhereItIsFull) {
  Permits first(1);
  Permits second(1);
  Walk holds_second({&second});
  Walk run({&first, &second}, 0);
  holds_second.start();

  EXPECT_EQ(run.start(), Outcome::full);
  EXPECT_EQ(run.here(), &second);
  EXPECT_FALSE(run.has_all());
}

TEST(Passage, LeavesOnce) {
  Permits gate(1);
  Walk run({&gate});
  Walk next({&gate});
  Walk last({&gate});
  run.start();
  next.start();
  last.start();

  run.leave();
  run.leave();

  EXPECT_EQ(next.last, Outcome::through);
  EXPECT_EQ(last.last, Outcome::waiting);
}

/// As above, but shared by whoever still hands it a permit.
struct SharedRun : Passage, std::enable_shared_from_this<SharedRun> {
  Permits::Task task() {
    return [run = shared_from_this()] { run->inherit([&] { return run->task(); }); };
  }
};

TEST(Passage, LosesNoPermitToRunsThatLeaveWhileTheyInherit) {
  constexpr int rounds = 3000;
  Permits first(1);
  Permits second(1);
  const auto pass_and_leave = [&] {
    for (int i = 0; i < rounds; ++i) {
      const auto run = std::make_shared<SharedRun>();
      run->add_gate({&first, 100});
      run->add_gate({&second, 100});
      run->enter([&] { return run->task(); });
      run->leave();  // maybe at the moment when another thread hands it a permit
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) threads.emplace_back(pass_and_leave);
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(first.waiting() + second.waiting(), 0u);
  EXPECT_EQ(first.acquire([] {}, 0), Permits::Outcome::acquired);
  EXPECT_EQ(second.acquire([] {}, 0), Permits::Outcome::acquired);
}

}  // namespace
}  // namespace trestle::dispatch
