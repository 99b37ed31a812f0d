// Asking the handler of a kept message to stop, and the end of one that was never run.
#include "dispatch/kept_message.hpp"

#include "registry/handler_registry.hpp"

namespace trestle::dispatch {

KeptMessage::~KeptMessage() {
  if (roll_ != nullptr) roll_->remove(*this);
  // Nobody was left to run it: the node had closed.
  if (entry_owner != nullptr && is_waiting()) entry_owner->count(Refusal::draining);
}

std::stop_token KeptMessage::stop_token(const std::shared_ptr<StopRoll>& roll) {
  const std::lock_guard lock(mutex_);
  if (!stop_.stop_possible()) {
    stop_ = std::stop_source();
    if (roll->add(*this) == StopRoll::Entered::all_stop) {
      stopped_ = true;
    } else {
      roll_ = roll;
    }
    if (stopped_) stop_.request_stop();  // nobody has a token yet: no callback runs
  }
  return stop_.get_token();
}

void KeptMessage::request_stop() {
  std::stop_source stop(std::nostopstate);
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    stop = stop_;
  }
  stop.request_stop();
}

}  // namespace trestle::dispatch
