// Which lanes there are, and how long.
#include "dispatch/lanes.hpp"

#include <gtest/gtest.h>

namespace trestle::dispatch {
namespace {

using namespace std::chrono_literals;

const InstanceId ann = InstanceId::from_halves(0, 1);
const InstanceId bob = InstanceId::from_halves(0, 2);

TEST(Lanes, AreTheSameForOneNameAndSender) {
  Lanes lanes;
  OpenLane& lane = *lanes.enter(Lane::per_sender("log"), ann);

  EXPECT_EQ(lanes.enter(Lane::per_sender("log"), ann).get(), &lane);
  EXPECT_NE(lanes.enter(Lane::per_sender("log"), bob).get(), &lane);
  EXPECT_NE(lanes.enter(Lane::per_sender(), ann).get(), &lane);
  EXPECT_NE(lanes.enter(Lane::shared("log"), ann).get(), &lane);
  EXPECT_EQ(lanes.size(), 4u);
}

TEST(Lanes, OfANodeAreTheSameForAllSenders) {
  Lanes lanes;

  EXPECT_EQ(lanes.enter(Lane::shared("disk"), ann), lanes.enter(Lane::shared("disk"), bob));
}

TEST(Lanes, HaveATextThatNamesThem) {
  Lanes lanes;

  EXPECT_EQ(lanes.enter(Lane::shared("disk"), ann)->text(), "lane 'disk'");
  EXPECT_EQ(lanes.enter(Lane::per_sender(), ann)->text(),
            "the lane of sender 00000000-0000-0000-0000-000000000001");
}

TEST(Lanes, AreIdleOnceAllHaveLeft) {
  Lanes lanes;
  OpenLane& lane = *lanes.enter(Lane::per_sender(), ann);
  lanes.enter(Lane::per_sender(), ann);

  EXPECT_FALSE(lanes.leave(lane, 1s));
  EXPECT_EQ(lanes.next_reap(), std::nullopt);
  EXPECT_TRUE(lanes.leave(lane, 2s));
  EXPECT_EQ(lanes.next_reap(), 32s);
}

TEST(Lanes, AreForgottenInTheOrderOfTheirIdleness) {
  Lanes lanes;
  OpenLane& first = *lanes.enter(Lane::per_sender(), ann);
  OpenLane& second = *lanes.enter(Lane::per_sender(), bob);
  lanes.leave(second, 1s);
  lanes.leave(first, 2s);

  lanes.reap(31s);
  EXPECT_EQ(lanes.size(), 1u);
  EXPECT_EQ(lanes.enter(Lane::per_sender(), ann).get(), &first) << "in use again";
  lanes.reap(100s);
  EXPECT_EQ(lanes.size(), 1u);
}

TEST(Lanes, AreForgottenEarlierIfTooManyAreIdle) {
  Lanes lanes;
  for (std::uint64_t i = 0; i < 2 * Lanes::idle_count_max; ++i) {
    lanes.leave(*lanes.enter(Lane::per_sender(), InstanceId::from_halves(1, i)), 1s);
  }

  EXPECT_EQ(lanes.size(), Lanes::idle_count_max);
}

TEST(Lanes, WarnOnceUntilTheyWereEmpty) {
  Lanes lanes;
  OpenLane& lane = *lanes.enter(Lane::shared("disk"), ann);

  EXPECT_TRUE(lanes.should_warn(lane));
  EXPECT_FALSE(lanes.should_warn(lane));
  lanes.leave(lane, 1s);
  EXPECT_TRUE(lanes.should_warn(*lanes.enter(Lane::shared("disk"), ann)));
}

}  // namespace
}  // namespace trestle::dispatch
