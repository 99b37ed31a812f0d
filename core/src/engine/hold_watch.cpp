// The looks, and the thread that takes them.
#include "engine/hold_watch.hpp"

#include <utility>

#include "platform/futex.hpp"

namespace trestle::engine {
namespace {

constexpr std::uint32_t no_signal = 0;
constexpr std::uint32_t told = 1;

}  // namespace

void HoldWatch::start_thread() {
  thread_ = std::thread([this] { run(); });
}

void HoldWatch::stop_thread() {
  if (!thread_.joinable()) return;
  {
    const Lock lock(engine_.mutex());
    stopping_ = true;
    look_soon();
  }
  thread_.join();
}

void HoldWatch::look_soon() noexcept {
  is_resting_ = false;
  // relaxed: written under the lock by all, and the lock is taken before each look.
  signal_.store(told, std::memory_order_relaxed);
  platform::futex_wake_one(signal_);
}

std::optional<std::chrono::nanoseconds> HoldWatch::look(Lock& lock) {
  const auto tolerance = events_.hold_tolerance();
  const bool had_user_code = std::exchange(had_user_code_, false);
  if (!tolerance || !events_.runs_user_code()) {
    turn_.reset();
    if (tolerance && had_user_code) return *tolerance / 2;  // more follows, most likely
    // A node that is idle shall sleep, and one without peers need not be woken by what it runs.
    is_resting_ = tolerance.has_value();
    return std::nullopt;
  }
  const TimePoint now = engine_.now();
  if (turn_ != engine_.turns()) {
    turn_ = engine_.turns();
    since_ = now;
    // Most likely it ends at once; if not, the first half of the tolerance may be over.
    return *tolerance / 8;
  }
  events_.on_held(lock, now - since_);
  return *tolerance / 2;
}

void HoldWatch::run() {
  // relaxed: see is_this_thread().
  id_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  Lock lock(engine_.mutex());
  while (!stopping_) {
    // relaxed: see look_soon().
    signal_.store(no_signal, std::memory_order_relaxed);
    const auto pause = look(lock);
    if (stopping_) break;
    lock.unlock();
    platform::futex_wait(signal_, no_signal, pause);
    lock.lock();
  }
}

}  // namespace trestle::engine
