// Says which handler the leader runs, for whoever wonders why a turn does not end.
#pragma once

#include <atomic>

#include "registry/handler_registry.hpp"

namespace trestle {

/// While it lives, `now` names the inline handler that runs; after it, the one around it.
/// relaxed: for messages only. Threads: the leader's.
class InlineScope {
 public:
  using Place = std::atomic<const registry::Entry*>;

  InlineScope(Place& now, const registry::Entry* entry) noexcept
      : now_(now), outer_(now.load(std::memory_order_relaxed)) {
    now_.store(entry, std::memory_order_relaxed);
  }
  ~InlineScope() { now_.store(outer_, std::memory_order_relaxed); }
  InlineScope(const InlineScope&) = delete;
  InlineScope& operator=(const InlineScope&) = delete;

 private:
  Place& now_;
  const registry::Entry* const outer_;
};

}  // namespace trestle
