// Entering, leaving and forgetting lanes.
#include "dispatch/lanes.hpp"

#include <utility>

namespace trestle::dispatch {

std::string OpenLane::text() const {
  std::string text = name.empty() ? "the lane" : "lane '" + name + "'";
  if (scope == Lane::Scope::sender) text += " of sender " + to_string(sender);
  return text;
}

std::shared_ptr<OpenLane> Lanes::enter(const Lane& lane, const InstanceId& sender) {
  const InstanceId owner = lane.scope == Lane::Scope::sender ? sender : InstanceId();
  const std::lock_guard lock(mutex_);
  auto found = lanes_.find(Key{lane.scope, owner, lane.name});
  if (found == lanes_.end()) {
    auto made = std::make_shared<OpenLane>(lane.scope, lane.name, owner);
    const Key key{lane.scope, owner, made->name};
    found = lanes_.emplace(key, std::move(made)).first;
  } else if (found->second->messages_ == 0) {
    idle_.erase(found->second->idle_place_);
  }
  ++found->second->messages_;
  return found->second;
}

bool Lanes::leave(OpenLane& lane, TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (--lane.messages_ != 0) return false;
  lane.warned_ = false;
  lane.idle_since_ = now;
  lane.idle_place_ = idle_.insert(idle_.end(), &lane);
  if (idle_.size() > idle_count_max) forget_oldest();
  return true;
}

bool Lanes::should_warn(OpenLane& lane) {
  const std::lock_guard lock(mutex_);
  return !std::exchange(lane.warned_, true);
}

void Lanes::forget_oldest() {
  const OpenLane& oldest = *idle_.front();
  const Key key{oldest.scope, oldest.sender, oldest.name};
  idle_.pop_front();
  lanes_.erase(key);
}

void Lanes::reap(TimePoint now) {
  const std::lock_guard lock(mutex_);
  while (!idle_.empty() && now - idle_.front()->idle_since_ >= idle_max) forget_oldest();
}

std::optional<TimePoint> Lanes::next_reap() const {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::nullopt;
  return idle_.front()->idle_since_ + idle_max;
}

std::size_t Lanes::size() const {
  const std::lock_guard lock(mutex_);
  return lanes_.size();
}

}  // namespace trestle::dispatch
