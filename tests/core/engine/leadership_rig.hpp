// An engine without transports, whose events are waiters that a test finishes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "engine/leadership.hpp"

namespace trestle::engine {

/// A clock that tests move while threads read it.
class SharedClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return TimePoint(now_.load()); }
  void advance(std::chrono::nanoseconds by) noexcept { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_{1};
};

/// Turns that end the waits that arrived, and notes of who looked for work before it slept.
class LeadershipRig : public ::testing::Test, protected EngineEvents, protected Turns {
 protected:
  LeadershipRig() : LeadershipRig(Spin::off, nullptr) {}
  /// `clock` null: one that stands still until the test moves it.
  LeadershipRig(Spin spin, const Clock* clock)
      : engine_({.clock = clock != nullptr ? *clock : clock_,
                 .limits = {},
                 .log = [](int, std::string_view) {}},
                *this),
        leadership_(engine_, *this, spin) {}
  ~LeadershipRig() override { EXPECT_EQ(second_leaders_, 0) << "two threads led at once"; }

  /// Ends the wait of `waiter` by a turn of whoever leads then.
  void arrive(Waiter& waiter) {
    const Lock lock(engine_.mutex());
    inbox_.push_back(&waiter);
    engine_.wake();
  }

  /// A thread that waits for `waiter`; returns once it parked or leads.
  std::thread start_waiting(Waiter& waiter) {
    bool waits = false;  // under the lock, which wait() releases only when it parked or sleeps
    std::thread thread([this, &waiter, &waits] {
      Lock lock(engine_.mutex());
      waits = true;
      changed_.notify_all();
      leadership_.wait(lock, waiter);
    });
    await([&] { return waits; });
    return thread;
  }

  /// Until `condition` holds under the lock.
  template <class Condition>
  void await(Condition condition) {
    Lock lock(engine_.mutex());
    changed_.wait(lock, condition);
  }
  /// Until that thread leads, and found nothing to do.
  void await_rest_of(std::thread::id thread) {
    await([&] { return rests_.size() > rests_seen_ && rests_.back() == thread; });
    const Lock lock(engine_.mutex());
    rests_seen_ = rests_.size();
  }
  /// Starts the thread, and returns its id once it leads.
  std::thread::id start_thread() {
    leadership_.start_thread();
    await([&] { return !rests_.empty(); });
    const Lock lock(engine_.mutex());
    rests_seen_ = rests_.size();
    return rests_.back();
  }
  void stop_thread() { EXPECT_TRUE(leadership_.stop_thread_within(std::chrono::hours(1))); }
  std::size_t rests_of(std::thread::id thread) {
    const Lock lock(engine_.mutex());
    return static_cast<std::size_t>(std::count(rests_.begin(), rests_.end(), thread));
  }

  // EngineEvents
  bool has_work() const override {
    if (!inbox_.empty()) return true;
    rests_.push_back(std::this_thread::get_id());
    changed_.notify_all();
    return false;
  }
  void on_transport_failed(Transport&) override {}
  // Turns
  std::size_t turn(Lock& lock) override {
    const auto self = std::this_thread::get_id();
    const auto before = leader_.exchange(self);
    if (before != std::thread::id() && before != self) ++second_leaders_;
    std::size_t handled = engine_.collect();
    for (Waiter* waiter : std::exchange(inbox_, {})) {
      leadership_.finish(*waiter);
      ++handled;
    }
    if (user_code_) {
      const auto code = std::exchange(user_code_, nullptr);
      lock.unlock();
      code();
      lock.lock();
      ++handled;
    }
    leader_ = before;
    return handled;
  }
  bool must_be_led() const override { return must_be_led_; }

  SharedClock clock_;
  Engine engine_;
  Leadership leadership_;

  // Under the engine's lock.
  bool must_be_led_ = false;
  std::function<void()> user_code_;  // of the next turn
  std::vector<Waiter*> inbox_;
  mutable std::vector<std::thread::id> rests_;  // who found nothing to do, in order
  std::size_t rests_seen_ = 0;
  mutable std::condition_variable_any changed_;

  std::atomic<std::thread::id> leader_{};
  std::atomic<int> second_leaders_{0};
};

}  // namespace trestle::engine
