// The last events of a registry, for any number of readers.
#pragma once

#include <trestle/handler_events.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

namespace trestle::registry {

/// Events are numbered from 0. Threads: any.
class EventLog {
 public:
  explicit EventLog(const InstanceId& instance) : instance_(instance) {}

  void add(HandlerEvent::Change change, std::string_view name);
  /// No more events come; who waits stops waiting.
  void close();

  /// The number that the next event will have.
  std::uint64_t end() const;

  /// Event `next`, or the oldest one kept, and moves `next` behind it. Waits at most so long.
  std::optional<HandlerEvent> take(std::uint64_t& next, std::chrono::nanoseconds timeout);

 private:
  std::uint64_t last_locked() const noexcept { return first_ + events_.size(); }

  const InstanceId instance_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<HandlerEvent> events_;
  std::uint64_t first_ = 0;  // number of the oldest event kept
  bool closed_ = false;
};

}  // namespace trestle::registry
