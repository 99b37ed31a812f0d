// A queue against the standard one.
#include "memory/fifo.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace trestle::memory {
namespace {

TEST(Fifo, HoldsWhatADequeHolds) {
  Fifo<std::unique_ptr<int>> fifo;
  std::deque<int> expected;
  std::mt19937 random(1);
  int next = 0;
  for (int step = 0; step < 20'000; ++step) {
    // Long runs of either, so that it grows and empties again and again.
    const bool grows = (step / 300) % 2 == 0 ? random() % 4 != 0 : random() % 4 == 0;
    if (grows) {
      fifo.push_back(std::make_unique<int>(next));
      expected.push_back(next++);
      EXPECT_EQ(*fifo.back(), expected.back());
    } else if (!expected.empty()) {
      fifo.pop_front();
      expected.pop_front();
    }
    ASSERT_EQ(fifo.size(), expected.size());
    ASSERT_EQ(fifo.empty(), expected.empty());
    ASSERT_EQ(expected.empty() ? -1 : *fifo.front(), expected.empty() ? -1 : expected.front());
    auto at = expected.begin();
    if (step % 100 == 0) {
      for (const auto& item : fifo) ASSERT_EQ(*item, *at++);
    }
  }
}

TEST(Fifo, DestroysWhatLeaves) {
  Fifo<std::shared_ptr<int>> fifo;
  const auto watched = std::make_shared<int>(1);
  fifo.push_back(watched);
  fifo.push_back(watched);

  fifo.pop_front();
  EXPECT_EQ(watched.use_count(), 2);
  fifo.clear();

  EXPECT_EQ(watched.use_count(), 1);
  EXPECT_TRUE(fifo.empty());
}

}  // namespace
}  // namespace trestle::memory
