// More slots.
#include "calls/call_table.hpp"

#include <string>

namespace trestle::calls {

Result<void> CallTable::add_slot() {
  if (slots_.size() >= calls_max_) {
    return Error(Errc::too_many_calls,
                 "too many calls outstanding on this connection: " + std::to_string(slots_.size()) +
                     " of calls_max " + std::to_string(calls_max_));
  }
  const auto slot = static_cast<std::uint32_t>(slots_.size());
  free_ = slots_.emplace_back(std::make_unique<PendingCall>(events_)).get();
  free_->id = wire::CallId::make(slot, 1);
  return {};
}

}  // namespace trestle::calls
