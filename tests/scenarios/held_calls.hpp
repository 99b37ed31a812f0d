// Calls that wait for the test to answer them.
#pragma once

#include <trestle/trestle.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "scenario.hpp"

namespace trestle::scenarios {

/// Keeps calls of an int until it is told to answer them. Declare it before the nodes whose handler
/// it makes. Threads: any.
class HeldCalls {
 public:
  /// Answers an int with itself, later.
  Handler handler(std::string name) {
    return unary(
        std::move(name), [this](int value, Reply<int> reply) { hold(value, std::move(reply)); },
        in_turn);
  }

  /// Waits until so many calls have come, answered ones included. False: they did not come.
  [[nodiscard]] bool await(std::size_t calls) {
    std::unique_lock lock(mutex_);
    return one_more_.wait_for(lock, watchdog, [&] { return came_ >= calls; });
  }
  /// Whether one has come.
  bool has_come() {
    const std::lock_guard lock(mutex_);
    return came_ > 0;
  }
  /// Answers what has come and was not answered yet, the last one first.
  void answer() {
    for (const auto& [value, reply] : take()) reply(value);
  }
  /// Refuses all of it with its argument as the text.
  void refuse() {
    for (const auto& [value, reply] : take()) reply.fail(std::to_string(value));
  }
  /// Whether the caller of the oldest call does not want it any more.
  bool is_stopped() {
    const std::lock_guard lock(mutex_);
    return !held_.empty() && held_.front().second.stop_token().stop_requested();
  }

 private:
  using Held = std::vector<std::pair<int, Reply<int>>>;

  void hold(int value, Reply<int> reply) {
    const std::lock_guard lock(mutex_);
    held_.emplace_back(value, std::move(reply));
    ++came_;
    one_more_.notify_all();
  }
  Held take() {
    const std::lock_guard lock(mutex_);
    std::reverse(held_.begin(), held_.end());
    return std::exchange(held_, {});
  }

  std::mutex mutex_;
  std::condition_variable one_more_;
  std::size_t came_ = 0;
  Held held_;
};

}  // namespace trestle::scenarios
