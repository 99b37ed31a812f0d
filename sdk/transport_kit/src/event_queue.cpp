// Handing events to the host in batches.
#include <trestle/transport_kit/event_queue.hpp>

#include <algorithm>
#include <utility>

namespace trestle::transport_kit {

void EventQueue::begin(std::span<tt_event> out) {
  batch_ = out;
  used_ = 0;
  accepted_.clear();
  if (!texts_.empty()) texts_.clear();
  while (!waiting_.empty() && used_ < batch_.size() &&
         !was_accepted_in_batch(waiting_.front().event.conn)) {
    Waiting& first = waiting_.front();
    hand_out(first.event, first.user, std::move(first.text));
    waiting_.pop_front();
  }
}

std::size_t EventQueue::end() noexcept {
  batch_ = {};
  return std::exchange(used_, 0);
}

void EventQueue::push(const tt_event& event, void* const* user) {
  if (has_room(event.conn)) {
    hand_out(event, user);
  } else {
    waiting_.push_back({event, user, {}});
  }
}

void EventQueue::push(const tt_event& event, void* const* user, std::string text) {
  if (has_room(event.conn)) {
    hand_out(event, user, std::move(text));
  } else {
    waiting_.push_back({event, user, std::move(text)});
  }
}

bool EventQueue::was_accepted_in_batch(const tt_conn* conn) const noexcept {
  return conn != nullptr && std::find(accepted_.begin(), accepted_.end(), conn) != accepted_.end();
}

tt_event& EventQueue::hand_out(const tt_event& event, void* const* user) {
  tt_event& out = batch_[used_++];
  out = event;
  if (user != nullptr) out.user = *user;
  if (event.kind == TT_EV_ACCEPTED) accepted_.push_back(event.conn);
  return out;
}

void EventQueue::hand_out(const tt_event& event, void* const* user, std::string text) {
  tt_event& out = hand_out(event, user);
  if (!text.empty()) out.data = texts_.emplace_back(std::move(text)).c_str();
}

}  // namespace trestle::transport_kit
