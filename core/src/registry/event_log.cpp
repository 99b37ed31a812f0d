// Keeping and reading handler events.
#include "registry/event_log.hpp"

#include <algorithm>
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

namespace registry {
namespace {

// As good as for ever.
constexpr std::chrono::hours wait_max{24 * 365 * 10};

}  // namespace

void EventLog::add(HandlerEvent::Change change, std::string_view name) {
  {
    const std::lock_guard lock(mutex_);
    if (events_.size() == HandlerEvents::history_max) {
      events_.pop_front();
      ++first_;
    }
    events_.push_back({.change = change, .name = std::string(name), .instance = instance_});
  }
  changed_.notify_all();
}

void EventLog::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

std::uint64_t EventLog::end() const {
  const std::lock_guard lock(mutex_);
  return last_locked();
}

std::optional<HandlerEvent> EventLog::take(std::uint64_t& next, std::chrono::nanoseconds timeout) {
  std::unique_lock lock(mutex_);
  // The time of day plus the longest of times is none.
  changed_.wait_for(lock, std::min<std::chrono::nanoseconds>(timeout, wait_max),
                    [&] { return closed_ || next < last_locked(); });
  if (next >= last_locked()) return std::nullopt;
  const std::uint64_t found = std::max(next, first_);
  HandlerEvent event = events_[found - first_];
  event.missed = found - next;
  next = found + 1;
  return event;
}

}  // namespace registry
}  // namespace trestle
