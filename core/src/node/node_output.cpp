// When what connections have to send leaves: at once, at the end of a turn, or with what follows.
#include <algorithm>
#include <optional>
#include <utility>

#include "node/node_core.hpp"

namespace trestle {

void NodeCore::on_output(peers::Connection& connection) {
  if (std::exchange(connection.has_output, true)) return;
  outputs_.push_back(&connection);
}

void NodeCore::flush_outputs() {
  // Flushing may fail a connection, which may add to the list.
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    outputs_[i]->has_output = false;
    outputs_[i]->flush();
  }
  outputs_.clear();
  gathering_ = 0;
  calls_.on_flushed();
}

void NodeCore::flush_turn() {
  const auto delay = options_.driver == nullptr ? options_.send_delay_max : TimePoint(0);
  std::optional<TimePoint> until;
  flush_outputs_but([&](peers::Connection& connection) {
    peers::CallGathering& calls = connection.gathering;
    if (!calls.is_all_of(connection.queued_bytes())) return false;
    if (!calls.may_wait(connection.calls_pending(), engine_.now(), delay)) return false;
    until = std::min(until.value_or(calls.until()), calls.until());
    return true;
  });
  if (until) engine_.arm_timer(gather_alarm_, *until);
}

void NodeCore::flush_before_work() {
  release_held_outputs(held_until_);
  // What gathers goes on to: the work may be what adds to it.
  const std::size_t gathering = gathering_;
  std::size_t at = 0;
  flush_outputs_but([&](const peers::Connection& connection) {
    return at++ < gathering && connection.gathering.is_all_of(connection.queued_bytes());
  });
}

template <class Waits>
void NodeCore::flush_outputs_but(Waits waits) {
  gathering_ = 0;
  // Flushing may fail a connection, which may add to the list.
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    peers::Connection& connection = *outputs_[i];
    if (waits(connection)) {
      outputs_[gathering_++] = &connection;
      continue;
    }
    connection.has_output = false;
    connection.flush();
  }
  outputs_.resize(gathering_);
  calls_.on_flushed();
}

void NodeCore::flush_soon(const peers::Connection& connection, TimePoint now) {
  const bool seldom = now - flushed_at_ >= options_.send_delay_max;
  const bool is_train = connection.queued_bytes() >= options_.send_delay_bytes;
  // A turn that runs user code may last.
  if (seldom || is_train || turns_on_stack_ != 0 || options_.driver != nullptr) {
    flushed_at_ = now;
    return flush_all();
  }
  // One of a run of messages: those that follow within the delay leave with it.
  if (held_.empty()) {
    held_until_ = flushed_at_ + options_.send_delay_max;
    engine_.arm_timer(hold_alarm_, held_until_);
    leadership_.ensure_led();
  }
  for (peers::Connection* output : outputs_) {
    output->has_output = false;
    if (!std::exchange(output->is_held, true)) held_.push_back(output);
  }
  outputs_.clear();
  gathering_ = 0;
}

void NodeCore::flush_full(peers::Connection& connection, TimePoint now) {
  connection.flush_full_packets();
  flushed_at_ = now;
  calls_.on_flushed();
  // Others that are held shall not wait for the end of this train.
  if (held_.size() != 1) return;
  held_until_ = now + options_.send_delay_max;
  engine_.arm_timer(hold_alarm_, held_until_);
}

void NodeCore::flush_all() {
  release_held_outputs(held_until_);
  flush_outputs();
}

void NodeCore::release_held_outputs(TimePoint now) {
  if (now < held_until_) return;
  for (peers::Connection* connection : held_) {
    connection->is_held = false;
    on_output(*connection);
  }
  held_.clear();
}

}  // namespace trestle
