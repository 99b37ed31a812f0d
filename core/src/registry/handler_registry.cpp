// Adding and finding handlers.
#include "registry/handler_registry.hpp"

#include "wire/packet.hpp"

namespace trestle::registry {
namespace {

Result<void> check_name(const std::string& name, Owner owner) {
  if (name.empty()) return Error(Errc::invalid_argument, "a handler needs a name");
  if (name.size() > wire::handler_name_bytes_max) {
    return Error(Errc::name_too_long, "handler name of " + std::to_string(name.size()) +
                                          " bytes, the limit is " +
                                          std::to_string(wire::handler_name_bytes_max));
  }
  if (owner == Owner::application && name.front() == '_') {
    return Error(Errc::reserved_name,
                 "cannot register '" + name + "': names that start with '_' are the system's");
  }
  return {};
}

Result<void> check_options(const Handler& handler) {
  const auto refuse = [&](const std::string& why) {
    return Error(Errc::invalid_argument, "handler '" + handler.name + "' " + why);
  };
  if (!handler.function && !handler.batch_function) return refuse("has no function");
  const Lane& lane = handler.options.lane;
  if (lane.scope == Lane::Scope::node && lane.name.empty()) {
    return refuse("has a shared lane without a name");
  }
  if (!handler.batch_function) return {};
  if (handler.options.batch.messages_max == 0) {
    return refuse("takes batches of 0 messages (BatchOptions::messages_max): at least 1");
  }
  if (lane.scope != Lane::Scope::none) {
    return refuse(
        "takes batches, whose messages cannot be in lanes: with concurrency_max 1 its "
        "batches run one after the other");
  }
  return {};
}

}  // namespace

Result<void> HandlerRegistry::add(Handler handler, Owner owner) {
  if (auto checked = check_name(handler.name, owner); checked.has_error()) return checked;
  if (auto checked = check_options(handler); checked.has_error()) return checked;
  const std::string name = handler.name;
  {
    const std::unique_lock lock(mutex_);
    if (closed_) return Error(Errc::shut_down, "cannot add '" + name + "': this node was closed");
    if (entries_.contains(name)) {
      return Error(Errc::handler_exists, "Handler '" + name + "' already registered");
    }
    entries_.emplace(name, std::make_shared<Entry>(std::move(handler), tally_));
    events_->add(HandlerEvent::Change::registered, name);
  }
  if (added_) added_(name);
  return {};
}

Result<std::shared_ptr<Entry>> HandlerRegistry::remove(std::string_view name) {
  if (name.starts_with('_')) {
    return Error(Errc::reserved_name, "cannot remove '" + std::string(name) +
                                          "': names that start with '_' are the system's");
  }
  const std::unique_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return Error(Errc::handler_not_found, "Handler '" + std::string(name) + "' is not registered");
  }
  std::shared_ptr<Entry> removed = std::move(found->second);
  entries_.erase(found);
  removed->removed.store(true, std::memory_order_relaxed);
  events_->add(HandlerEvent::Change::deregistered, name);
  return removed;
}

std::shared_ptr<Entry> HandlerRegistry::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(name);
  return found != entries_.end() ? found->second : nullptr;
}

std::vector<std::string> HandlerRegistry::names() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& entry : entries_) names.push_back(entry.first);
  return names;
}

std::vector<std::shared_ptr<const Entry>> HandlerRegistry::entries() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<const Entry>> entries;
  entries.reserve(entries_.size());
  for (const auto& entry : entries_) entries.push_back(entry.second);
  return entries;
}

std::vector<HandlerCounts> HandlerRegistry::counts() const {
  const std::shared_lock lock(mutex_);
  std::vector<HandlerCounts> counts;
  counts.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) {
    counts.push_back({name, entry->tally.refusals(), entry->tally.failures()});
  }
  return counts;
}

void HandlerRegistry::close() {
  Entries dropped;  // outlives the lock: what a function holds may call back when it goes
  {
    const std::unique_lock lock(mutex_);
    closed_ = true;
    dropped.swap(entries_);
  }
  events_->close();
  for (const auto& entry : dropped) entry.second->permits.drop_waiting();
}

}  // namespace trestle::registry
