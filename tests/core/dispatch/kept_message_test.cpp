// Claiming a kept message, and asking its handler to stop, from several threads.
#include "dispatch/kept_message.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

namespace trestle::dispatch {
namespace {

std::shared_ptr<KeptMessage> kept() {
  auto message = std::make_shared<KeptMessage>();
  message->call = wire::CallId::make(1, 1);
  return message;
}

TEST(KeptMessage, IsClaimedByOneThreadOnly) {
  for (int round = 0; round < 200; ++round) {
    const auto message = kept();
    std::latch start(2);
    std::atomic<int> claims{0};
    const auto claim = [&] {
      start.arrive_and_wait();
      if (message->claim()) ++claims;
    };
    std::thread other(claim);
    claim();
    other.join();

    EXPECT_EQ(claims, 1);
    EXPECT_FALSE(message->is_waiting());
  }
}

using Roll = std::shared_ptr<StopRoll>;

TEST(KeptMessage, StopsEveryTokenWheneverItIsAskedFor) {
  const Roll roll = std::make_shared<StopRoll>();
  for (int round = 0; round < 200; ++round) {
    const auto message = kept();
    std::latch start(2);
    std::thread other([&] {
      start.arrive_and_wait();
      message->request_stop();
    });
    start.arrive_and_wait();
    const std::stop_token token = message->stop_token(roll);
    other.join();

    EXPECT_TRUE(token.stop_requested());
    EXPECT_TRUE(message->stop_token(roll).stop_requested());
  }
}

TEST(KeptMessage, RunsWhatWaitsForItsStopWithoutALock) {
  const Roll roll = std::make_shared<StopRoll>();
  const auto message = kept();
  bool stopped = false;
  const std::stop_callback on_stop(message->stop_token(roll), [&] {
    stopped = message->stop_token(roll).stop_requested();  // would deadlock
  });

  message->request_stop();

  EXPECT_TRUE(stopped);
}

TEST(StopRoll, StopsThoseThatAreThereAndThoseThatComeLater) {
  const Roll roll = std::make_shared<StopRoll>();
  const auto first = kept();
  const std::stop_token token = first->stop_token(roll);
  const auto late = kept();
  kept()->stop_token(roll);  // leaves with its end

  roll->stop_all();

  EXPECT_TRUE(token.stop_requested());
  EXPECT_TRUE(late->stop_token(roll).stop_requested());
}

TEST(StopRoll, StopsWithoutALock) {
  const Roll roll = std::make_shared<StopRoll>();
  auto message = kept();
  const std::stop_callback on_stop(message->stop_token(roll), [&] { message.reset(); });

  roll->stop_all();

  EXPECT_EQ(message, nullptr);
}

TEST(StopRoll, LetsMessagesEndMeanwhile) {
  for (int round = 0; round < 200; ++round) {
    const Roll roll = std::make_shared<StopRoll>();
    auto message = kept();
    const std::stop_token token = message->stop_token(roll);
    std::latch start(2);
    std::thread other([&] {
      start.arrive_and_wait();
      message.reset();
    });
    start.arrive_and_wait();
    roll->stop_all();
    other.join();
    EXPECT_EQ(message, nullptr);
  }
}

}  // namespace
}  // namespace trestle::dispatch
