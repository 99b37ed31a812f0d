// Who is in which batch, and when it is complete.
#include "dispatch/batch_collector.hpp"

#include <gtest/gtest.h>

#include <string>

namespace trestle::dispatch {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<KeptMessage> message_of(std::size_t bytes = 1) {
  auto message = std::make_shared<KeptMessage>();
  message->payload = Payload::copy(std::string(bytes, 'x'));
  return message;
}

TEST(BatchCollector, BeginsABatchWithTheFirstMessage) {
  BatchCollector collector({.messages_max = 2});

  const auto first = collector.join(message_of(), 1s);
  const auto second = collector.join(message_of(), 2s);

  EXPECT_TRUE(first.is_first);
  EXPECT_FALSE(first.is_complete);
  EXPECT_EQ(second.batch, first.batch);
  EXPECT_FALSE(second.is_first);
  EXPECT_TRUE(second.is_complete);
  EXPECT_EQ(first.batch->closes_at, 1s);
  EXPECT_EQ(collector.waiting(), 2u);
}

TEST(BatchCollector, ClosesABatchThatHasNoRoomForTheBytes) {
  BatchCollector collector({.bytes_max = 10});
  const auto first = collector.join(message_of(8), 1s);

  const auto second = collector.join(message_of(8), 2s);

  EXPECT_EQ(second.filled, first.batch);
  EXPECT_NE(second.batch, first.batch);
  EXPECT_TRUE(second.is_first);
}

TEST(BatchCollector, LetsAMessageLargerThanABatchRunAlone) {
  BatchCollector collector({.bytes_max = 10});
  const auto first = collector.join(message_of(1), 1s);

  const auto large = collector.join(message_of(100), 2s);

  EXPECT_EQ(large.filled, first.batch);
  EXPECT_TRUE(large.is_first);
  EXPECT_TRUE(large.is_complete);
}

TEST(BatchCollector, ClosesABatchOnce) {
  BatchCollector collector({});
  const auto joined = collector.join(message_of(), 1s);

  EXPECT_TRUE(collector.close(*joined.batch));
  EXPECT_FALSE(collector.close(*joined.batch));
  EXPECT_TRUE(collector.join(message_of(), 2s).is_first);
}

TEST(BatchCollector, GivesTheRoomOfThoseWhoLeaveToOthers) {
  BatchCollector collector({.messages_max = 2, .bytes_max = 10});
  const auto leaves = message_of(9);
  const auto stays = message_of(1);
  const auto batch = collector.join(leaves, 1s).batch;

  EXPECT_EQ(collector.leave(*leaves), batch) << "it was the only one";
  EXPECT_EQ(collector.leave(*leaves), nullptr);
  EXPECT_EQ(collector.waiting(), 0u);

  const auto next = collector.join(stays, 2s);
  EXPECT_NE(next.batch, batch);
  const auto full = message_of(8);
  collector.join(full, 3s);
  EXPECT_EQ(collector.leave(*full), nullptr) << "complete, and not empty";
  const auto taken = collector.take(*next.batch);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken.front(), stays);
}

TEST(BatchCollector, GivesItsMessagesOnceToTheirRun) {
  BatchCollector collector({.messages_max = 1});
  const auto message = message_of();
  const auto batch = collector.join(message, 1s).batch;

  EXPECT_EQ(collector.take(*batch).size(), 1u);
  EXPECT_TRUE(collector.take(*batch).empty());
  EXPECT_EQ(collector.leave(*message), nullptr);
  EXPECT_EQ(collector.waiting(), 0u);
}

}  // namespace
}  // namespace trestle::dispatch
