// Handler events: order, history, and readers that lag behind.
#include "registry/event_log.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace trestle::registry {
namespace {

using namespace std::chrono_literals;
using Change = HandlerEvent::Change;

class EventLogTest : public ::testing::Test {
 protected:
  const InstanceId instance = random_instance_id();
  std::shared_ptr<EventLog> log = std::make_shared<EventLog>(instance);
};

TEST_F(EventLogTest, GivesEventsInOrder) {
  HandlerEvents events(log);
  log->add(Change::registered, "a");
  log->add(Change::deregistered, "a");

  const auto first = events.poll();
  const auto second = events.poll();

  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->change, Change::registered);
  EXPECT_EQ(second->change, Change::deregistered);
  EXPECT_EQ(first->name, "a");
  EXPECT_EQ(first->instance, instance);
  EXPECT_FALSE(events.poll());
}

TEST_F(EventLogTest, StartsWhereAReaderIsMade) {
  log->add(Change::registered, "before");
  HandlerEvents events(log);
  log->add(Change::registered, "after");

  EXPECT_EQ(events.poll().value().name, "after");
}

TEST_F(EventLogTest, KeepsTheWholeHistoryForASlowReader) {
  HandlerEvents events(log);
  for (std::size_t i = 0; i < HandlerEvents::history_max; ++i) {
    log->add(Change::registered, std::to_string(i));
  }

  const auto first = events.poll().value();

  EXPECT_EQ(first.name, "0");
  EXPECT_EQ(first.missed, 0u);
}

TEST_F(EventLogTest, TellsAReaderThatLagsHowManyItMissed) {
  HandlerEvents events(log);
  for (std::size_t i = 0; i < HandlerEvents::history_max + 3; ++i) {
    log->add(Change::registered, std::to_string(i));
  }

  const auto first = events.poll().value();
  const auto second = events.poll().value();

  EXPECT_EQ(first.name, "3");
  EXPECT_EQ(first.missed, 3u);
  EXPECT_EQ(second.missed, 0u);
}

TEST_F(EventLogTest, WakesAReaderThatWaits) {
  HandlerEvents events(log);
  std::jthread other([this] { log->add(Change::registered, "late"); });

  EXPECT_EQ(events.wait_for(30s).value().name, "late");
}

TEST_F(EventLogTest, EndsWaitsWhenItCloses) {
  HandlerEvents events(log);
  std::jthread other([this] { log->close(); });

  EXPECT_FALSE(events.wait_for(30s));
}

TEST_F(EventLogTest, WaitsForAsLongAsThereIsTime) {
  HandlerEvents events(log);
  std::jthread other([this] { log->add(Change::registered, "late"); });

  EXPECT_EQ(events.wait_for(std::chrono::nanoseconds::max()).value().name, "late");
}

TEST_F(EventLogTest, HasOneReaderPerPlace) {
  static_assert(!std::is_copy_constructible_v<HandlerEvents>);
  HandlerEvents events(log);
  HandlerEvents moved(std::move(events));
  log->add(Change::registered, "after");

  EXPECT_FALSE(events.poll());  // NOLINT(bugprone-use-after-move): says that it is empty
  EXPECT_FALSE(events.wait_for(1h));
  EXPECT_EQ(moved.poll().value().name, "after");
}

}  // namespace
}  // namespace trestle::registry
