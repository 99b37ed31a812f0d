// Asking every handler to stop.
#include "dispatch/stop_roll.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "dispatch/kept_message.hpp"

namespace trestle::dispatch {

StopRoll::Entered StopRoll::add(KeptMessage& message) {
  const std::lock_guard lock(mutex_);
  if (all_stop_) return Entered::all_stop;
  messages_.insert(&message);
  return Entered::yes;
}

void StopRoll::remove(KeptMessage& message) noexcept {
  const std::lock_guard lock(mutex_);
  messages_.erase(&message);
}

void StopRoll::stop_all() {
  std::vector<std::shared_ptr<KeptMessage>> running;  // outlives the lock
  {
    const std::lock_guard lock(mutex_);
    all_stop_ = true;
    for (KeptMessage* message : messages_) {
      // One that is being destroyed waits for the lock to leave.
      if (auto still = message->weak_from_this().lock()) running.push_back(std::move(still));
    }
  }
  for (const auto& message : running) message->request_stop();
}

}  // namespace trestle::dispatch
