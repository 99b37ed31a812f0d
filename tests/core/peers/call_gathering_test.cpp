// Which calls of completions wait for others, and for how long.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>

#include "peers/call_gathering.hpp"

namespace trestle::peers {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t frame_bytes = 100;
constexpr std::size_t many = 256;
constexpr TimePoint start = 1s;

/// Calls of one size, behind nothing.
struct GatheredCalls {
  void add(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i, bytes += frame_bytes) {
      gathering.add(bytes, bytes + frame_bytes);
    }
  }
  bool may_wait(TimePoint now, std::size_t under_way = many) {
    return gathering.may_wait(under_way, now, 50us);
  }
  void flush() {
    gathering.on_flush();
    bytes = 0;
  }
  /// A turn that waits and gets no more.
  void wait_in_vain() {
    add(3);
    may_wait(start);
    flush();
  }

  CallGathering gathering;
  std::size_t bytes = 0;
};

TEST(CallGathering, AFewOfManyWaitForOthers) {
  GatheredCalls calls;
  calls.add(3);

  EXPECT_TRUE(calls.may_wait(start));
  EXPECT_EQ(calls.gathering.until(), start + 50us);
}

TEST(CallGathering, WhereFewAreUnderWayNoneWaits) {
  GatheredCalls calls;
  calls.add(3);

  EXPECT_FALSE(calls.may_wait(start, CallGathering::calls_min - 1));
  EXPECT_FALSE(calls.gathering.is_full());
}

TEST(CallGathering, LargeOnesDoNotWait) {
  CallGathering gathering;
  gathering.add(0, 4096);

  EXPECT_FALSE(gathering.may_wait(many, start, 50us));
  EXPECT_FALSE(gathering.is_full());
}

TEST(CallGathering, WithoutADelayNoneWaits) {
  GatheredCalls calls;
  calls.add(3);

  EXPECT_FALSE(calls.gathering.may_wait(many, start, 0us));
}

TEST(CallGathering, NoneWaitsLongerThanTheDelay) {
  GatheredCalls calls;
  calls.add(3);
  calls.may_wait(start);
  calls.add(1);

  EXPECT_TRUE(calls.may_wait(start + 49us));
  EXPECT_FALSE(calls.may_wait(start + 50us));
}

TEST(CallGathering, AFairPartOfAllIsEnough) {
  GatheredCalls calls;
  calls.add(3);
  calls.may_wait(start);
  EXPECT_FALSE(calls.gathering.is_full());

  calls.add(many / 2);

  EXPECT_TRUE(calls.gathering.is_full());
  EXPECT_FALSE(calls.may_wait(start + 1us));
}

TEST(CallGathering, WhatElseWaitsKeepsThemFromWaiting) {
  GatheredCalls calls;
  calls.add(3);

  EXPECT_TRUE(calls.gathering.is_all_of(calls.bytes));
  EXPECT_FALSE(calls.gathering.is_all_of(calls.bytes + 1));
  calls.gathering.add(calls.bytes + 1, calls.bytes + 1 + frame_bytes);
  EXPECT_FALSE(calls.gathering.is_all_of(calls.bytes + 1 + frame_bytes));
}

TEST(CallGathering, NothingIsLeftOfThoseThatLeft) {
  GatheredCalls calls;
  calls.add(3);

  calls.flush();

  EXPECT_FALSE(calls.gathering.is_all_of(3 * frame_bytes));
  EXPECT_FALSE(calls.gathering.is_all_of(0));
}

TEST(CallGathering, WaitingInVainIsTriedEverMoreRarely) {
  GatheredCalls calls;
  const auto turns_until_one_waits = [&] {
    for (int turn = 1;; ++turn) {
      calls.add(3);
      const bool waits = calls.may_wait(start);
      calls.flush();
      if (waits || turn == 10'000) return turn;
    }
  };
  calls.wait_in_vain();

  const int first = turns_until_one_waits();
  const int second = turns_until_one_waits();
  EXPECT_GT(first, 1);
  EXPECT_GT(second, first);
  for (int i = 0; i < 20; ++i) turns_until_one_waits();
  EXPECT_LT(turns_until_one_waits(), 10'000);
}

TEST(CallGathering, WaitingThatPaidIsTriedAgainAtOnce) {
  GatheredCalls calls;
  calls.add(3);
  calls.may_wait(start);
  calls.add(3);
  calls.flush();
  calls.add(3);

  EXPECT_TRUE(calls.may_wait(start));
}

}  // namespace
}  // namespace trestle::peers
