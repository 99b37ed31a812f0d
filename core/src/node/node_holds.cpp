// A node whose leader is held up by user code: it goes on giving signs of life, and says why.
#include "log/logger.hpp"
#include "node/node_core.hpp"

namespace trestle {
namespace {

// Also where this node judges nobody, its peers may judge it.
constexpr std::chrono::seconds tolerance_by_default{1};

std::string milliseconds(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
         " ms";
}

}  // namespace

std::optional<std::chrono::nanoseconds> NodeCore::hold_tolerance() const {
  if (!heartbeat_.watches_any()) return std::nullopt;
  const auto interval = heartbeat_.rhythm().interval;
  return interval.count() > 0 ? interval : std::chrono::nanoseconds(tolerance_by_default);
}

std::string NodeCore::what_holds_turn() const {
  // relaxed: who reads it holds the lock, or finds what was written long ago; the turn that is on
  // the stack keeps what it points to.
  const registry::Entry* entry = inline_now_.load(std::memory_order_relaxed);
  if (entry == nullptr) return "a completion or a function of after()";
  return "inline handler '" + log::printable(entry->handler.name) + "'";
}

void NodeCore::on_held(engine::Lock& lock, std::chrono::nanoseconds at_least) {
  // Whoever drives the node cannot answer pings; this thread may send, as any that calls may.
  if (const auto tolerance = hold_tolerance()) heartbeat_.beat_unasked(*tolerance);
  flush_outputs();
  const bool is_told = turn_told_of_ == engine_.turns();
  std::string line;
  if (!is_told && at_least >= heartbeat_.rhythm().dead_after) {
    turn_told_of_ = engine_.turns();
    line = what_holds_turn() + " has held this node for " + milliseconds(at_least) +
           " (dead_after is " + milliseconds(heartbeat_.rhythm().dead_after) +
           "): peers get no answers and deadlines do not come until it ends; with "
           "Execution::spawn it would hold a worker instead";
  }
  drop_spent(lock);
  if (line.empty()) return;
  lock.unlock();
  log_.add_beside_leader("held turn", LogLevel::warning, std::move(line));
  lock.lock();
}

}  // namespace trestle
