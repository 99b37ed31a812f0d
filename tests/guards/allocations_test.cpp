// What messages ask of the allocator, once the first ones went through.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <trestle/test_support/built_transports.hpp>

#include "counting.hpp"
#include "fakes/counted_allocations.hpp"
#include "node_pair.hpp"

namespace trestle::guards {
namespace {

constexpr int messages = 200;

class Allocations : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { TRESTLE_SKIP_UNDER_SANITIZERS(); }

  /// Of one message, if `work` makes 200.
  template <class Work>
  static double allocations_of(const Bound& bound, const Work& work, int rounds_to_warm_up = 1) {
    for (int i = 0; i < rounds_to_warm_up; ++i) work();
    const auto count = [&] {
      const std::size_t before = fakes::allocations();
      work();
      return static_cast<double>(fakes::allocations() - before) / messages;
    };
    return fewest(bound, count);
  }

  static const Bound& bound_of_trains() {
    const std::string_view where = GetParam();
    return where == "inproc://*" || where == "manual" ? allocations_train : allocations;
  }
  static const Bound& bound_of_pages() {
    return std::string_view(GetParam()) == "manual" ? allocations : allocations_pages;
  }

  /// Blocks that one thread acquires and another releases come back in chains of up to 64.
  static constexpr int many_rounds = 64;

  NodePair pair_{GetParam()};
  Payload small_ = Payload::copy(std::string(64, 'x'));
  Payload page_ = Payload::copy(std::string(4096, 'x'));
};

INSTANTIATE_TEST_SUITE_P(Transports, Allocations,
                         ::testing::Values("manual", "inproc://*", "unix://*", "tcp://127.0.0.1:0"),
                         [](const auto& kind) {
                           const std::string uri = kind.param;
                           return uri.substr(0, uri.find(':'));
                         });

TEST_P(Allocations, OfABlockingCallWithAFewBytes) {
  const double counted = allocations_of(allocations, [&] { pair_.call("echo", small_, messages); });

  expect_within(counted, allocations, "allocations");
}

TEST_P(Allocations, OfABlockingCallWithAPage) {
  const double counted = allocations_of(allocations, [&] { pair_.call("echo", page_, messages); });

  expect_within(counted, allocations, "allocations");
}

TEST_P(Allocations, OfABlockingCallWithATypedMessage) {
  const double counted = allocations_of(allocations, [&] {
    pair_.call("move", Point{1, 2, 3.0}, messages);
  });

  expect_within(counted, allocations, "allocations");
}

TEST_P(Allocations, OfABlockingCallToASpawnHandler) {
  const double counted =
      allocations_of(allocations_spawned, [&] { pair_.call("spawned", small_, messages); });

  EXPECT_GT(counted, 0) << "the meter does not count";
  expect_within(counted, allocations_spawned, "allocations");
}

TEST_P(Allocations, OfACallThatDoesNotBlock) {
  const double counted = allocations_of(
      bound_of_trains(), [&] { pair_.call_without_blocking(small_, messages, 16); }, many_rounds);

  expect_within(counted, bound_of_trains(), "allocations");
}

TEST_P(Allocations, OfAMessageThatNobodyAnswers) {
  const double counted = allocations_of(
      bound_of_trains(), [&] { pair_.send(small_, messages); }, many_rounds);

  expect_within(counted, bound_of_trains(), "allocations");
}

TEST_P(Allocations, OfAPageThatNobodyAnswers) {
  // What is under way at once must fit into the memory that is kept for the next time.
  constexpr int at_once = 20;
  const double counted = allocations_of(
      bound_of_pages(),
      [&] {
        for (int sent = 0; sent < messages; sent += at_once) pair_.send(page_, at_once);
      },
      many_rounds);

  expect_within(counted, bound_of_pages(), "allocations");
}

/// Of libraries, whose other messages may ask for more.
class AllocationsBesideALibrary : public Allocations {};

INSTANTIATE_TEST_SUITE_P(
    Transports, AllocationsBesideALibrary,
    ::testing::ValuesIn(test_support::of_this_build({"ofi+tcp://127.0.0.1:0"})),
    [](const auto&) { return "ofi"; });

TEST_P(AllocationsBesideALibrary, OfABlockingCallWithAFewBytes) {
  const double counted = allocations_of(allocations, [&] { pair_.call("echo", small_, messages); });

  expect_within(counted, allocations, "allocations");
}

}  // namespace
}  // namespace trestle::guards
