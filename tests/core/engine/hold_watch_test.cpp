// When a turn counts as held up, and who hears of it.
#include "engine/hold_watch.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <vector>

#include "leadership_rig.hpp"

namespace trestle::engine {
namespace {

using namespace std::chrono_literals;

/// An engine whose turns a test makes, and a clock that it moves.
class HoldWatchOf : public ::testing::Test, protected EngineEvents, protected HoldEvents {
 protected:
  HoldWatchOf()
      : engine_({.clock = clock_, .limits = {}, .log = [](int, std::string_view) {}}, *this),
        watch_(engine_, *this) {}

  std::optional<std::chrono::nanoseconds> look() {
    Lock lock(engine_.mutex());
    return watch_.look(lock);
  }
  /// A turn of the leader that ends in user code.
  void enter_user_code() {
    const Lock lock(engine_.mutex());
    engine_.collect();
    watch_.note_user_code();
    in_user_code_ = true;
  }

  bool has_work() const override { return false; }
  void on_transport_failed(Transport&) override {}
  bool runs_user_code() const override { return in_user_code_; }
  std::optional<std::chrono::nanoseconds> hold_tolerance() const override {
    ++looks_;
    changed_.notify_all();
    return tolerance_;
  }
  void on_held(Lock&, std::chrono::nanoseconds at_least) override {
    holds_.push_back(at_least);
    changed_.notify_all();
  }

  SharedClock clock_;
  Engine engine_;
  HoldWatch watch_;
  bool in_user_code_ = false;
  std::optional<std::chrono::nanoseconds> tolerance_ = 1s;
  std::vector<std::chrono::nanoseconds> holds_;
  mutable int looks_ = 0;
  mutable std::condition_variable_any changed_;
};

TEST_F(HoldWatchOf, ALeaderThatRunsUserCodeLooksTwiceInAToleranceUntilThereIsNone) {
  for (int i = 0; i < 3; ++i) {
    enter_user_code();
    in_user_code_ = false;
    EXPECT_EQ(look(), 500ms);
  }
  EXPECT_FALSE(look().has_value()) << "an idle node sleeps";

  EXPECT_TRUE(holds_.empty());
}

TEST_F(HoldWatchOf, ATurnInUserCodeAtTwoLooksTellsOfItWithinTheTolerance) {
  enter_user_code();
  // At worst it began right after a look.
  clock_.advance(500ms);
  const auto next = look();
  EXPECT_TRUE(holds_.empty()) << "it may just have begun";
  ASSERT_TRUE(next.has_value());
  EXPECT_LE(500ms + *next, 1s);

  clock_.advance(*next);
  EXPECT_EQ(look(), 500ms);

  EXPECT_EQ(holds_, (std::vector<std::chrono::nanoseconds>{*next}));
}

TEST_F(HoldWatchOf, ATurnThatGoesOnTellsAgainWithAllOfItsTime) {
  enter_user_code();
  look();
  for (int i = 0; i < 3; ++i) {
    clock_.advance(500ms);
    look();
  }

  EXPECT_EQ(holds_, (std::vector<std::chrono::nanoseconds>{500ms, 1000ms, 1500ms}));
}

TEST_F(HoldWatchOf, TurnsThatFollowEachOtherInUserCodeAreNotHeldUp) {
  for (int i = 0; i < 10; ++i) {
    enter_user_code();
    look();
    clock_.advance(500ms);
  }

  EXPECT_TRUE(holds_.empty());
}

TEST_F(HoldWatchOf, ATurnThatLeftUserCodeBetweenTwoLooksIsForgotten) {
  enter_user_code();
  look();
  in_user_code_ = false;
  clock_.advance(500ms);
  look();
  in_user_code_ = true;
  clock_.advance(500ms);
  look();

  EXPECT_TRUE(holds_.empty());
}

TEST_F(HoldWatchOf, ANodeThatNobodyNoticesSleepsUntilItIsTold) {
  tolerance_.reset();
  enter_user_code();

  EXPECT_FALSE(look().has_value());
  EXPECT_TRUE(holds_.empty());
}

TEST_F(HoldWatchOf, ItsThreadRestsUntilThereIsUserCode) {
  {
    const Lock lock(engine_.mutex());
    tolerance_ = 1ms;
  }
  watch_.start_thread();
  {
    Lock lock(engine_.mutex());
    changed_.wait(lock, [this] { return looks_ != 0; });
    in_user_code_ = true;
    watch_.note_user_code();
    changed_.wait(lock, [this] { return !holds_.empty(); });
  }
  watch_.stop_thread();

  EXPECT_FALSE(holds_.empty());
}

TEST_F(HoldWatchOf, ItsThreadLooksOnceSomebodyMayNotice) {
  {
    const Lock lock(engine_.mutex());
    tolerance_.reset();
  }
  enter_user_code();
  watch_.start_thread();
  {
    Lock lock(engine_.mutex());
    tolerance_ = 1ms;
    watch_.look_soon();
    changed_.wait(lock, [this] { return holds_.size() > 2; });
    EXPECT_FALSE(watch_.is_this_thread());
  }
  watch_.stop_thread();

  EXPECT_GT(holds_.size(), 2u);
}

}  // namespace
}  // namespace trestle::engine
