// The last events of a registry, for any number of readers.
#pragma once

#include <trestle/handler_events.hpp>

#include <string>
#include <string_view>

#include "registry/event_history.hpp"

namespace trestle::registry {

/// Threads: any.
class EventLog : public EventHistory<HandlerEvent, HandlerEvents::history_max> {
 public:
  explicit EventLog(const InstanceId& instance) : instance_(instance) {}

  void add(HandlerEvent::Change change, std::string_view name) {
    EventHistory::add({.change = change, .name = std::string(name), .instance = instance_});
  }

 private:
  const InstanceId instance_;
};

}  // namespace trestle::registry
