// Who is asked again, and when: hosts that sleep, and hosts that poll.
#include <gmock/gmock.h>

#include "../src/readiness.hpp"

namespace trestle::zeromq {
namespace {

class Reader final : public ReadsSocket {
 public:
  bool check_events() override {
    ++asked;
    return has_more;
  }
  void read_on() override { ++told_to_read_on; }

  bool has_more = false;
  int asked = 0;
  int told_to_read_on = 0;
};

class ReadinessTest : public ::testing::Test {
 protected:
  ReadinessTest() {
    table_.size = sizeof(table_);
    table_.ctx = this;
    table_.wake = [](const tt_host* host) { ++static_cast<ReadinessTest*>(host->ctx)->wakes; };
  }

  int wakes = 0;
  tt_host table_{};
  Readiness readiness{sdk::Host(&table_)};
  Reader reader;
};

TEST_F(ReadinessTest, AsksWhoStoppedEarlyBeforeTheHostSleeps) {
  reader.has_more = true;
  readiness.stop_early(reader);

  EXPECT_FALSE(readiness.may_sleep());
  EXPECT_EQ(reader.asked, 1);
}

TEST_F(ReadinessTest, LetsThoseReadOnWhoseHostDoesNotSleep) {
  readiness.stop_early(reader);

  readiness.begin_round();
  readiness.begin_round();

  EXPECT_EQ(reader.told_to_read_on, 1);
}

TEST_F(ReadinessTest, AsksOnceEachTime) {
  readiness.stop_early(reader);
  EXPECT_TRUE(readiness.may_sleep());

  readiness.begin_round();

  EXPECT_TRUE(readiness.may_sleep());
  EXPECT_EQ(reader.told_to_read_on, 0);
  EXPECT_EQ(reader.asked, 1);
}

TEST_F(ReadinessTest, WakesAHostThatSleepsAlready) {
  EXPECT_TRUE(readiness.may_sleep());
  reader.has_more = true;

  readiness.touch(reader);

  EXPECT_EQ(wakes, 1);
}

}  // namespace
}  // namespace trestle::zeromq
