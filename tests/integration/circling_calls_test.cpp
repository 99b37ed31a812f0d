// Calls that completions start, many at a time: none stays behind while it waits for others.
#include <gtest/gtest.h>
#include <trestle/trestle.hpp>

#include <atomic>
#include <semaphore>
#include <string>

namespace trestle {
namespace {

/// Over inproc:// packets arrive at once, over tcp:// several of them in one turn.
class CirclingCalls : public ::testing::TestWithParam<const char*> {
 protected:
  CirclingCalls() {
    server.add(unary("echo", [](int value) { return value; }, {.execution = Execution::inline_}))
        .value();
    server
        .add(unary("stuck",
                   [this](int value) {
                     released.acquire();
                     released.release();
                     return value;
                   }))
        .value();
    peer = client.connect(server.listen(GetParam()).value()).value();
  }

  /// One after the other, until `left` of them were started.
  void circle(const char* handler, std::atomic<int>& left) {
    peer.async_call<int>(handler, 1, [this, handler, &left](Result<int> reply) {
      if (reply.has_value()) ++replies;
      if (left.fetch_sub(1) > 0) return circle(handler, left);
      ended.release();
    });
  }

  std::atomic<int> replies = 0;
  std::counting_semaphore<> ended{0};
  std::counting_semaphore<> released{0};
  Node server;
  Node client;
  Peer peer;
};

TEST_P(CirclingCalls, AllEnd) {
  constexpr int circles = 256;
  constexpr int calls = 20'000;
  std::atomic<int> left = calls - circles;

  for (int i = 0; i < circles; ++i) circle("echo", left);
  for (int i = 0; i < circles; ++i) ended.acquire();

  EXPECT_EQ(replies, calls);
}

TEST_P(CirclingCalls, OneGoesOnBesideManyThatDoNot) {
  constexpr int waiting = 100;
  constexpr int calls = 300;
  std::atomic<int> none = 0;
  std::atomic<int> left = calls - 1;
  for (int i = 0; i < waiting; ++i) circle("stuck", none);

  circle("echo", left);
  ended.acquire();

  EXPECT_EQ(replies, calls);
  released.release();
  for (int i = 0; i < waiting; ++i) ended.acquire();
  EXPECT_EQ(replies, calls + waiting);
}

INSTANTIATE_TEST_SUITE_P(Over, CirclingCalls, ::testing::Values("inproc://*", "tcp://127.0.0.1:0"),
                         [](const auto& instance) {
                           const std::string uri = instance.param;
                           return uri.substr(0, uri.find(':'));
                         });

}  // namespace
}  // namespace trestle
