// Ending a node from where nobody can wait for its end: in a handler, a completion or a timer.
#include <thread>
#include <utility>

#include "node/node_core.hpp"
#include "node/turn_scope.hpp"

namespace trestle {

void NodeCore::stop_requested() {
  if (must_end_later()) {
    // Closing waits for that handler, so it must happen elsewhere, or later.
    if (options_.driver == nullptr) return close_elsewhere();
    ends_by_hand_ = true;
    return;
  }
  if (auto closed = close(); closed.has_error()) report(closed.error());
}

void NodeCore::close_elsewhere() {
  if (has_closer_.exchange(true)) return;
  closer_ = std::thread([this] {
    bool is_awaited = false;
    {
      const engine::Lock lock(engine_.mutex());
      is_awaited = !close_waiters_.empty();
    }
    if (auto closed = close(); closed.has_error() && !is_awaited) report(closed.error());
  });
}

bool NodeCore::must_end_later() const {
  return TurnScope::is_in_any_turn() || pool_.is_in_task() || hold_watch_.is_this_thread();
}

void NodeCore::end_later(std::shared_ptr<NodeCore> core) {
  NodeCore& self = *core;
  // Whatever runs still may ask for its node. It does not own this, which owns it.
  self.stand_in_.reset(new Node(std::shared_ptr<NodeCore>(std::shared_ptr<void>(), core.get())));
  // release: pairs with the acquire in node().
  self.maker_.store(self.stand_in_.get(), std::memory_order_release);
  {
    const std::lock_guard lock(self.engine_.mutex());
    self.dispatcher_.close_gate();
  }
  if (self.options_.driver != nullptr) {
    self.ends_by_hand_ = true;
    self.orphan_ = std::move(core);
    return;
  }
  // Detached: whoever could join it may be the code that it waits for.
  std::thread([left = std::move(core)] { left->end_orphan(); }).detach();
}

void NodeCore::end_by_hand() {
  ends_by_hand_ = false;
  if (orphan_ == nullptr) return stop_requested();
  const auto keep_alive = std::move(orphan_);
  end_orphan();
}

void NodeCore::end_orphan() {
  if (auto closed = close(); closed.has_error()) report(closed.error());
  join();
  // One that hangs may still ask for its node; all of it is leaked then.
  if (is_turn_abandoned_.load(std::memory_order_relaxed)) return;
  stand_in_->core_.reset();
  stand_in_.reset();
}

}  // namespace trestle
