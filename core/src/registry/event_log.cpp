// Reading handler events.
#include "registry/event_log.hpp"

#include <utility>

namespace trestle {

std::string_view to_string(HandlerEvent::Change change) noexcept {
  return change == HandlerEvent::Change::registered ? "registered" : "deregistered";
}

HandlerEvents::HandlerEvents(std::shared_ptr<registry::EventLog> log)
    : log_(std::move(log)), next_(log_->end()) {}

std::optional<HandlerEvent> HandlerEvents::poll() {
  return wait_for(std::chrono::nanoseconds::zero());
}

std::optional<HandlerEvent> HandlerEvents::wait_for(std::chrono::nanoseconds timeout) {
  if (log_ == nullptr) return std::nullopt;
  return log_->take(next_, timeout);
}

}  // namespace trestle
