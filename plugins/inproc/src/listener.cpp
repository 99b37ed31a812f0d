// The process-wide table of names.
#include "listener.hpp"

namespace trestle::inproc {

NameTable& NameTable::of_process() {
  // Never destroyed: threads may still use it while the process exits.
  static auto* const table = new NameTable;
  return *table;
}

bool NameTable::claim(const std::shared_ptr<Listener>& listener) {
  const std::lock_guard lock(mutex_);
  return listeners_.emplace(listener->name, listener).second;
}

void NameTable::drop(const Listener& listener) {
  const std::lock_guard lock(mutex_);
  const auto at = listeners_.find(listener.name);
  if (at != listeners_.end() && at->second.get() == &listener) listeners_.erase(at);
}

std::shared_ptr<Listener> NameTable::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto at = listeners_.find(name);
  return at == listeners_.end() ? nullptr : at->second;
}

std::string NameTable::make_unique_name() {
  const std::lock_guard lock(mutex_);
  std::string name;
  do {
    name = "unique-" + std::to_string(++last_unique_);
  } while (listeners_.contains(name));
  return name;
}

}  // namespace trestle::inproc
