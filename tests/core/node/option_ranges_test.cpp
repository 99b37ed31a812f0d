// What the options of a node may be, at each bound and one beyond it.
#include <gmock/gmock.h>
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <string>
#include <vector>

#include "node/option_ranges.hpp"
#include "wire/packet.hpp"

namespace trestle {
namespace {

using namespace std::chrono_literals;
using ::testing::StartsWith;

std::string text_of(std::size_t count) {
  return std::to_string(count);
}
std::string text_of(std::chrono::nanoseconds time) {
  if (time % 1ms == 0ns) return std::to_string(time / 1ms) + " ms";
  return std::to_string(time.count()) + " ns";
}

/// Options of which one has a value, and those that it must agree with do.
template <class Range, class Value>
NodeOptions with(const Range& range, Value value) {
  NodeOptions options;
  if (range.name == "redial_delay_min") options.redial_delay_max = added_time_max;
  if (range.name == "redial_delay_max") options.redial_delay_min = 1ms;
  if (range.name == "message_bytes_max") options.input_bytes_max = CountRange::no_max;
  if (range.name == "input_bytes_max") options.message_bytes_max = wire::hello_frame_bytes_max;
  options.*range.option = value;
  return options;
}

/// One option beyond one of its bounds, and what has to be said of it.
struct Excess {
  NodeOptions options;
  std::string said;
};

template <class Range>
void add_excesses(std::vector<Excess>& all, const Range& range) {
  using Value = decltype(range.min);
  const std::string name = "NodeOptions::" + std::string(range.name) + " is ";
  const Value one{1};
  if constexpr (std::is_signed_v<decltype(one / one)>) {
    all.push_back(
        {with(range, range.min - one),
         name + text_of(range.min - one) + ", but must be at least " + text_of(range.min)});
  } else if (range.min != Value{}) {
    all.push_back(
        {with(range, range.min - one),
         name + text_of(range.min - one) + ", but must be at least " + text_of(range.min)});
  }
  if (range.max == Range::no_max) return;
  all.push_back({with(range, range.max + one),
                 name + text_of(range.max + one) + ", but must be at most " + text_of(range.max)});
}

std::vector<Excess> all_excesses() {
  std::vector<Excess> all;
  for (const CountRange& range : count_ranges()) add_excesses(all, range);
  for (const TimeRange& range : time_ranges()) add_excesses(all, range);
  return all;
}

TEST(OptionRanges, AreErrorsOneBeyondEachBoundWithOptionValueAndLimit) {
  const auto excesses = all_excesses();
  EXPECT_GE(excesses.size(), 25u);
  for (const Excess& excess : excesses) {
    const auto checked = check(excess.options);

    ASSERT_TRUE(checked.has_error()) << excess.said;
    EXPECT_TRUE(checked.error().is(Errc::invalid_argument)) << checked.error();
    EXPECT_EQ(checked.error().text, excess.said);
  }
}

/// Makes a node of such options, which another one calls; how that ends.
Result<int> ask_node_of(const NodeOptions& options) {
  testing::TestNetwork network;
  Node& server = network.add_node(options);
  server.add(unary("twice", [](int value) { return 2 * value; })).value();
  Node& client = network.add_node();
  const auto peer = client.connect(server.listen("inproc://*").value(), {.timeout = 10s});
  if (peer.has_error()) return peer.error();
  return peer->with_timeout(10s).call<int>("twice", 21);
}

TEST(OptionRanges, LetANodeServeAtEachBound) {
  const auto serve_at_bounds = [](const auto& range) {
    for (const auto bound : {range.min, range.max}) {
      const NodeOptions options = with(range, bound);
      ASSERT_TRUE(check(options).has_value()) << range.name;
      // Where no message may wait for a worker, there is none.
      if (range.name == "spawn_queue_messages" && bound == range.min) continue;

      const auto asked = ask_node_of(options);

      ASSERT_TRUE(asked.has_value())
          << range.name << " " << text_of(bound) << ": " << asked.error();
      EXPECT_EQ(*asked, 42);
    }
  };
  for (const CountRange& range : count_ranges()) serve_at_bounds(range);
  for (const TimeRange& range : time_ranges()) serve_at_bounds(range);
}

TEST(OptionRanges, AreCheckedWhereANodeIsMade) {
  try {
    const Node node({.turn_frames_max = 0});
    FAIL() << "a node without turns";
  } catch (const BadResult& refused) {
    EXPECT_TRUE(refused.error().is(Errc::invalid_argument)) << refused.error();
    EXPECT_EQ(refused.error().text, "NodeOptions::turn_frames_max is 0, but must be at least 1");
  }
}

TEST(OptionRanges, KnowTheHeartbeatThatNeedNotBeSet) {
  EXPECT_TRUE(check({.heartbeat = 0ns}).has_value());
  EXPECT_TRUE(check({.heartbeat = added_time_max}).has_value());
  EXPECT_EQ(check({.heartbeat = -1ns}).error().text,
            "NodeOptions::heartbeat is -1 ns, but must be at least 0 ms");
  EXPECT_THAT(check({.heartbeat = added_time_max + 1ns}).error().text,
              StartsWith("NodeOptions::heartbeat is 31536000000000001 ns, but must be at most"));
}

TEST(OptionRanges, HoldForThoseThatContradictEachOther) {
  EXPECT_TRUE(check({.redial_delay_min = 5s, .redial_delay_max = 5s}).has_value());
  EXPECT_EQ(check({.redial_delay_min = 5001ms, .redial_delay_max = 5s}).error().text,
            "NodeOptions::redial_delay_max is 5000 ms, but must be at least 5001 ms, as "
            "NodeOptions::redial_delay_min is");
  EXPECT_TRUE(check({.message_bytes_max = 9000, .input_bytes_max = 9000}).has_value());
  EXPECT_EQ(check({.message_bytes_max = 9000, .input_bytes_max = 8999}).error().text,
            "NodeOptions::input_bytes_max is 8999, but must be at least 9000, as "
            "NodeOptions::message_bytes_max is");
}

}  // namespace
}  // namespace trestle
