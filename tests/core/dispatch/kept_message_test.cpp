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

TEST(KeptMessage, StopsEveryTokenWheneverItIsAskedFor) {
  for (int round = 0; round < 200; ++round) {
    const auto message = kept();
    std::latch start(2);
    std::thread other([&] {
      start.arrive_and_wait();
      message->request_stop();
    });
    start.arrive_and_wait();
    const std::stop_token token = message->stop_token();
    other.join();

    EXPECT_TRUE(token.stop_requested());
    EXPECT_TRUE(message->stop_token().stop_requested());
  }
}

TEST(KeptMessage, CannotBeStoppedWhereNobodyWaitsForItsOutcome) {
  KeptMessage message;

  message.request_stop();

  EXPECT_FALSE(message.stop_token().stop_possible());
}

TEST(KeptMessage, RunsWhatWaitsForItsStopWithoutALock) {
  const auto message = kept();
  bool stopped = false;
  const std::stop_callback on_stop(message->stop_token(), [&] {
    stopped = message->stop_token().stop_requested();  // would deadlock
  });

  message->request_stop();

  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace trestle::dispatch
