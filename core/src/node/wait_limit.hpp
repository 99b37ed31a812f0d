// The deadline of a thread that waits.
#pragma once

#include "engine/leadership.hpp"
#include "engine/timer_queue.hpp"

namespace trestle {

/// Ends a wait at its deadline.
struct WaitLimit final : engine::Timer {
  WaitLimit(engine::Leadership& l, engine::Waiter& w) noexcept : leadership(l), waiter(w) {}
  void expire() override { leadership.finish(waiter); }
  engine::Leadership& leadership;
  engine::Waiter& waiter;
};

}  // namespace trestle
