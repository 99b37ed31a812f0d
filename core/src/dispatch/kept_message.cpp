// Asking the handler of a kept message to stop.
#include "dispatch/kept_message.hpp"

namespace trestle::dispatch {

std::stop_token KeptMessage::stop_token() {
  if (!call.expects_outcome()) return {};
  const std::lock_guard lock(mutex_);
  if (!stop_.stop_possible()) {
    stop_ = std::stop_source();
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
