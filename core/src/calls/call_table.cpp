// Handing out and taking back slots.
#include "calls/call_table.hpp"

#include <string>
#include <utility>

namespace trestle::calls {

Result<PendingCall*> CallTable::acquire(CallSink& sink, Awaits awaits) {
  if (free_ == nullptr) {
    if (slots_.size() >= calls_max_) {
      return Error(Errc::too_many_calls, "too many calls outstanding on this connection: " +
                                             std::to_string(slots_.size()) + " of calls_max " +
                                             std::to_string(calls_max_));
    }
    const auto slot = static_cast<std::uint32_t>(slots_.size());
    free_ = &slots_.emplace_back(events_);
    free_->id = wire::CallId::make(slot, 1);
  }
  PendingCall& call = *std::exchange(free_, free_->next_free);
  ++size_;
  call.sink = &sink;
  call.awaits = awaits;
  call.frame = 0;
  call.may_withdraw = false;
  return &call;
}

PendingCall* CallTable::find(wire::CallId id) noexcept {
  if (id.slot() >= slots_.size()) return nullptr;
  PendingCall& call = slots_[id.slot()];
  return call.sink != nullptr && call.id == id ? &call : nullptr;
}

CallSink* CallTable::release(PendingCall& call) noexcept {
  CallSink* sink = call.sink;
  call.sink = nullptr;
  call.id = wire::CallId::make(call.id.slot(), call.id.generation() + 1);
  call.next_free = std::exchange(free_, &call);
  --size_;
  return sink;
}

}  // namespace trestle::calls
