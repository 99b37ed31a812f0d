// When libzmq's threads may be left to wait: hosts that poll, alone on their CPU or not.
#include <gmock/gmock.h>

#include <chrono>

#include "../src/poll_watch.hpp"

namespace trestle::zeromq {
namespace {

using namespace std::chrono_literals;

class PollWatchTest : public ::testing::Test {
 protected:
  /// Polling has paid.
  PollWatchTest() {
    for (int i = 0; i < 4; ++i) find_something_from_here();
  }

  /// A look in vain, after the CPU was offered for so long.
  void look_in_vain_after(std::chrono::nanoseconds away) {
    begin_look_after(away);
    watch.found_nothing(now);
  }
  void find_after(std::chrono::nanoseconds away) {
    begin_look_after(away);
    watch.found();
  }
  void begin_look_after(std::chrono::nanoseconds away) {
    now += away;
    if (watch.looks_again()) watch.begin_look(now);
    now += 1us;
  }
  /// Something came after some looks, the first of them while a thread of libzmq had the CPU.
  void find_something_from_afar() {
    look_in_vain_after(10us);
    look_in_vain_after(10us);
    for (int looks = 0; looks < 5; ++looks) look_in_vain_after(500ns);
    find_after(10us);
  }
  /// Each offer of the CPU was taken, until something came.
  void find_something_from_here() {
    look_in_vain_after(10us);
    look_in_vain_after(10us);
    find_after(30us);
  }

  PollWatch watch;
  PollWatch::TimePoint now{1h};
};

TEST_F(PollWatchTest, AHostThatSleepsBetweenItsLooksDoesNotPoll) {
  for (int i = 0; i < 10; ++i) {
    look_in_vain_after(500ns);
    watch.sleeps();
  }

  EXPECT_FALSE(watch.polls_alone());
}

TEST_F(PollWatchTest, AHostWhoseOffersNobodyTakesPollsAlone) {
  look_in_vain_after(10us);
  EXPECT_FALSE(watch.polls_alone()) << "a single look";

  look_in_vain_after(500ns);

  EXPECT_TRUE(watch.polls_alone());
}

TEST_F(PollWatchTest, WhatIsFoundChangesNothing) {
  find_something_from_afar();
  EXPECT_TRUE(watch.polls_alone());

  for (int i = 0; i < 100; ++i) find_after(100us);

  EXPECT_TRUE(watch.polls_alone());
}

TEST_F(PollWatchTest, SleepEndsIt) {
  find_something_from_afar();

  watch.sleeps();

  EXPECT_FALSE(watch.polls_alone());
}

TEST_F(PollWatchTest, AfterAnIdleTimeInVainPollingHasToPayAgain) {
  find_something_from_afar();
  for (int looks = 0; looks < 5; ++looks) look_in_vain_after(500ns);
  watch.sleeps();

  for (int i = 0; i < 4; ++i) {
    find_something_from_afar();
    EXPECT_FALSE(watch.polls_alone()) << i;
  }
  look_in_vain_after(500ns);
  look_in_vain_after(500ns);
  EXPECT_TRUE(watch.polls_alone());
}

TEST_F(PollWatchTest, SleepWithoutPollingSaysNothing) {
  find_after(1us);
  watch.sleeps();

  find_something_from_afar();

  EXPECT_TRUE(watch.polls_alone());
}

TEST_F(PollWatchTest, AClockThatStandsStillSaysNothing) {
  for (int i = 0; i < 10; ++i) {
    watch.begin_look(now);
    watch.found_nothing(now);
  }

  EXPECT_FALSE(watch.polls_alone());
}

TEST_F(PollWatchTest, APeerOnTheSameCpuTakesEachOffer) {
  for (int i = 0; i < 50; ++i) find_something_from_here();

  EXPECT_FALSE(watch.polls_alone());
}

TEST_F(PollWatchTest, APeerThatMovesToThisCpuIsNoticed) {
  find_something_from_afar();

  for (int i = 0; i < 10; ++i) find_something_from_here();
  EXPECT_TRUE(watch.polls_alone()) << "libzmq's threads may have been that busy";
  for (int i = 0; i < 10; ++i) find_something_from_here();

  look_in_vain_after(10us);
  look_in_vain_after(10us);
  EXPECT_FALSE(watch.polls_alone());
}

TEST_F(PollWatchTest, OneThatMovesAwayIsNoticed) {
  for (int i = 0; i < 50; ++i) find_something_from_here();

  find_something_from_afar();

  EXPECT_TRUE(watch.polls_alone());
}

TEST_F(PollWatchTest, WhoeverTakesATimeSliceIsNotMadeToWait) {
  find_something_from_afar();

  look_in_vain_after(10us);
  for (int slices = 0; slices < 5; ++slices) look_in_vain_after(3ms);
  EXPECT_FALSE(watch.polls_alone());

  for (int i = 0; i < 90; ++i) find_something_from_afar();
  now += 50ms;
  find_something_from_afar();
  EXPECT_FALSE(watch.polls_alone()) << "may still be there";
  now += 100ms;
  find_something_from_afar();
  EXPECT_TRUE(watch.polls_alone());
}

TEST_F(PollWatchTest, WhoComesBackIsExpectedForLonger) {
  const auto wait_after_a_slice = [&] {
    look_in_vain_after(10us);
    look_in_vain_after(3ms);
    const auto start = now;
    while (!watch.polls_alone()) {
      now += 5ms;
      find_something_from_afar();
    }
    return now - start;
  };

  const auto first = wait_after_a_slice();
  const auto second = wait_after_a_slice();
  EXPECT_THAT(first, ::testing::AllOf(::testing::Ge(90ms), ::testing::Le(120ms)));
  EXPECT_THAT(second, ::testing::AllOf(::testing::Ge(190ms), ::testing::Le(220ms)));

  now += 1min;
  EXPECT_LE(wait_after_a_slice(), 120ms) << "it was gone for long";
}

}  // namespace
}  // namespace trestle::zeromq
