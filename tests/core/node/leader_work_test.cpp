// The queue of what a leader runs: elements stay where they are, and nest.
#include "node/leader_work.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <variant>
#include <vector>

namespace trestle {
namespace {

using Held = std::shared_ptr<int>;
using Item = std::variant<std::monostate, Held>;

/// Takes the next element; what `during` does happens while it is being run.
template <class During>
int run_next(ReusedQueue<Item>& queue, During during) {
  const auto taken = queue.take();
  during();
  const int seen = *std::get<Held>(taken.item);
  queue.end(taken);
  return seen;
}

TEST(ReusedQueue, LeavesAnElementWhereItIsWhileOthersAreAdded) {
  ReusedQueue<Item> queue;
  queue.push(std::make_shared<int>(7));

  const int seen = run_next(queue, [&] {
    for (int i = 0; i < 1000; ++i) queue.push(std::make_shared<int>(i));
  });

  EXPECT_EQ(seen, 7);
  EXPECT_EQ(queue.size(), 1000u);
}

TEST(ReusedQueue, RunsElementsWithinOthersInOrder) {
  ReusedQueue<Item> queue;
  std::vector<int> seen;
  for (int i = 1; i <= 3; ++i) queue.push(std::make_shared<int>(i));

  seen.push_back(run_next(queue, [&] {
    seen.push_back(run_next(queue, [&] { queue.push(std::make_shared<int>(4)); }));
    seen.push_back(run_next(queue, [] {}));
    seen.push_back(run_next(queue, [] {}));
  }));

  EXPECT_EQ(seen, (std::vector{2, 3, 4, 1}));
  EXPECT_TRUE(queue.empty());
}

/// Adds some elements and runs them, and returns where they were.
std::vector<const Item*> run_some(ReusedQueue<Item>& queue) {
  std::vector<const Item*> places;
  for (int i = 0; i < 20; ++i) queue.push(std::make_shared<int>(i));
  while (!queue.empty()) {
    places.push_back(&queue.front());
    run_next(queue, [] {});
  }
  return places;
}

TEST(ReusedQueue, UsesTheSamePlacesAgain) {
  ReusedQueue<Item> queue;
  const auto places = run_some(queue);

  EXPECT_EQ(run_some(queue), places);
  EXPECT_EQ(run_some(queue), places);
}

TEST(ReusedQueue, UsesTheSamePlacesAgainWithinAnElement) {
  ReusedQueue<Item> queue;
  for (int i = 0; i < 30; ++i) queue.push(std::make_shared<int>(i));
  run_next(queue, [] {});

  run_next(queue, [&] {
    while (!queue.empty()) run_next(queue, [] {});
    const auto places = run_some(queue);
    EXPECT_EQ(run_some(queue), places);
    EXPECT_EQ(run_some(queue), places);
  });

  EXPECT_TRUE(queue.empty());
}

TEST(ReusedQueue, DestroysWhatAnElementHoldsWhenItEnds) {
  ReusedQueue<Item> queue;
  const auto held = std::make_shared<int>(1);
  queue.push(held);

  run_next(queue, [&] { EXPECT_EQ(held.use_count(), 2); });

  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace trestle
