// A node's end: gate, drain, close.
#include <trestle/manual_driver.hpp>

#include <algorithm>

#include "node/driven_nodes.hpp"
#include "node/node_core.hpp"
#include "node/turn_scope.hpp"
#include "node/wait_limit.hpp"

namespace trestle {
namespace {

// What completions and timers lead to while the node ends, and lead to in turn.
constexpr int last_turns_max = 1000;

// What a stranger gets to say hello, or to take in that the node closes.
constexpr std::chrono::seconds last_greeting{1};

// A leader that is alive ends a wait at its deadline; one that is not, holds it up no longer.
constexpr std::chrono::milliseconds longest_delay{50};

// What handlers get that were told to stop, after all that close() waits for.
constexpr std::chrono::seconds last_grace{1};

Error would_wait_for_itself() {
  return Error(Errc::would_block_for_ever,
               "close() in a handler would wait for that handler: close from another thread");
}

}  // namespace

void NodeCore::close_soon(detail::CloseCompletion done) {
  if (options_.driver != nullptr && must_end_later()) return done(would_wait_for_itself());
  {
    engine::Lock lock(engine_.mutex());
    if (ended_) {
      lock.unlock();
      return done({});
    }
    close_waiters_.push_back(std::move(done));
  }
  if (options_.driver == nullptr) return close_elsewhere();
  static_cast<void>(close());  // which tells whoever waits
}

void NodeCore::tell_close_waiters(const Result<void>& outcome) {
  std::vector<detail::CloseCompletion> waiters;
  {
    const engine::Lock lock(engine_.mutex());
    waiters.swap(close_waiters_);
  }
  for (detail::CloseCompletion& waiter : waiters) run_completion(*this, [&] { waiter(outcome); });
}

bool NodeCore::wait_until(std::function<bool()> condition, TimePoint deadline) {
  engine::Waiter waiter;
  WaitLimit limit(leadership_, waiter);
  engine::Lock lock(engine_.mutex());
  // Once is enough: until this thread runs again, a turn that has nothing to do may be under way.
  awaited_condition_ = [condition = std::move(condition), has_come = false]() mutable {
    return has_come = has_come || condition();
  };
  if (awaited_condition_()) return true;
  condition_waiter_ = &waiter;
  engine_.arm_timer(limit, deadline);
  if (options_.driver != nullptr) {
    wait(lock, waiter);
  } else {
    leadership_.wait_at_most(lock, waiter, deadline - engine_.now() + longest_delay);
  }
  lock.lock();
  engine_.cancel_timer(limit);
  condition_waiter_ = nullptr;
  return awaited_condition_();
}

Result<void> NodeCore::close() {
  if (must_end_later()) return would_wait_for_itself();
  {
    engine::Lock lock(engine_.mutex());
    if (closing_) {
      // Whoever asked second may destroy the node next. By hand, it is the same thread below us,
      // and so it is in a callback of stop_token().
      const bool is_below = closing_thread_ == std::this_thread::get_id();
      if (options_.driver == nullptr && !is_below) has_ended_.wait(lock, [this] { return ended_; });
      return {};
    }
    closing_ = true;
    closing_thread_ = std::this_thread::get_id();
    retries_.end_pauses();
  }
  auto outcome = end();
  {
    const std::lock_guard lock(engine_.mutex());
    ended_ = true;
    closing_thread_ = {};
    has_ended_.notify_all();
  }
  tell_close_waiters(outcome);
  return outcome;
}

Result<void> NodeCore::end() {
  const TimePoint deadline = engine_.time_after(options_.close_timeout);
  {
    const std::lock_guard lock(engine_.mutex());
    dispatcher_.close_gate();
    for (const auto& entry : connections_) say_goodbye(*entry.second);
    flush_outputs();
  }
  stop_source_.request_stop();
  system_handlers_.end_waits();
  std::string busy;
  const bool drained = wait_until(
      [this] {
        // The leader's work is the leader's alone while it runs.
        return dispatcher_.running() == 0 && turns_on_stack_ == 0 && work_.empty() &&
               std::all_of(connections_.begin(), connections_.end(),
                           [](const auto& entry) { return entry.second->is_flushed(); });
      },
      deadline);
  if (!drained) {
    busy = std::to_string(dispatcher_.running()) + " handlers or their replies" + busy_handlers();
    dispatcher_.refuse_waiting(messages_left());
    dispatcher_.stop_all();
  } else {
    tell_drained();
  }
  close_connections(deadline);
  if (!stop_driving()) {
    busy += busy.empty() ? "" : ", ";
    busy += what_holds_turn() + " that does not end (the node's memory is leaked)";
    return Error(Errc::deadline_exceeded, "closed, but not idle within close_timeout: " + busy);
  }
  destroy_all();
  for (const std::string& scheme : engine_.destroy_transports()) {
    busy += busy.empty() ? "" : ", ";
    busy += "transport '" + scheme + "' (payloads of it are still held, it is leaked)";
  }
  if (busy.empty()) return {};
  return Error(Errc::deadline_exceeded, "closed, but not idle within close_timeout: " + busy);
}

void NodeCore::say_goodbye(peers::Connection& connection) {
  if (!is_drained_) return connection.send_goodbye(Errc::draining, "the peer is shutting down");
  connection.send_goodbye(Errc::shut_down,
                          "the peer has shut down: what it did not answer did not run");
}

void NodeCore::tell_drained() {
  const std::lock_guard lock(engine_.mutex());
  is_drained_ = true;
  for (const auto& entry : connections_) say_goodbye(*entry.second);
}

void NodeCore::join() {
  stop_callback_.reset();  // waits for one that is running on another thread
  if (closer_.joinable()) closer_.join();
  if (is_turn_abandoned_.load(std::memory_order_relaxed)) abandon();  // it goes on below somebody
  if (!has_stuck_handlers_) return;
  pool_.stop();
  worker_context_->end();
}

void NodeCore::close_connections(TimePoint drain_deadline) {
  {
    const std::lock_guard lock(engine_.mutex());
    closed_ = true;
    const Error why(Errc::shut_down, "this node was closed");
    const auto all = connections_;
    for (const auto& entry : all) entry.second->close(why);
    engine_.wake();
  }
  // Each step has its own bound, so that a slow drain does not cut the goodbyes of the others.
  const TimePoint deadline = std::max(drain_deadline, now() + std::chrono::seconds(1));
  // Whoever has not said hello may be silent for as long as it likes; but it may also have sent
  // requests by now, which a reset would leave in doubt.
  wait_until([this] { return connections_.empty(); }, std::min(deadline, now() + last_greeting));
  const auto has_known = [this] {
    return std::any_of(connections_.begin(), connections_.end(),
                       [](const auto& entry) { return !entry.second->is_stranger(); });
  };
  wait_until([&] { return !has_known(); }, deadline);
  {
    const std::lock_guard lock(engine_.mutex());
    const auto left = connections_;
    for (const auto& entry : left) {
      entry.second->abort(Error(Errc::shut_down, "this node was closed"));
    }
    engine_.shut_down();
    engine_.wake();
  }
  wait_until([this] { return engine_.is_down() && connections_.empty(); }, deadline);
}

bool NodeCore::stop_driving() {
  if (options_.driver != nullptr) {
    ManualDriver::Nodes::remove(*options_.driver, *this);
    return true;
  }
  // Whoever waits still may lead, or keep the leader from ending its turn.
  give_up_waiting();
  hold_watch_.stop_thread();
  const auto ends = [this](auto step) {
    while (!step()) {
      if (is_in_user_code()) return false;
    }
    return true;
  };
  const auto take_over = [this] {
    engine::Lock lock(engine_.mutex());
    return leadership_.take_over_within(lock, last_grace);
  };
  const bool is_ours =
      ends([this] { return leadership_.stop_thread_within(last_grace); }) && ends(take_over);
  if (!is_ours) abandon_turn();
  return is_ours;
}

bool NodeCore::is_in_user_code() {
  // Who leads and is not may only want for the CPU.
  const std::lock_guard lock(engine_.mutex());
  return turns_on_stack_ != 0;
}

void NodeCore::abandon_turn() {
  leadership_.leave_thread();  // it uses what is leaked alone
  {
    const std::lock_guard lock(engine_.mutex());
    undriven_ = true;
    // relaxed: it counts once its turn goes on, which takes the lock or some time.
    is_turn_abandoned_.store(true, std::memory_order_relaxed);
  }
  handlers_.close();
  peer_events_->close();
  pool_.drop_queued();
  has_stuck_handlers_ = !pool_.stop_within(last_grace);
  if (!has_stuck_handlers_) worker_context_->end();
  // Who waits for an outcome shall have one: those of give_up_waiting() are here.
  for (Action& action : deferred_.take()) run(action);
  log_.tell_all();
}

void NodeCore::destroy_all() {
  engine::Lock lock(engine_.mutex());
  turn(lock);  // completions of the last moment: workers may wait for them
  // A transport that never said CLOSED must not keep anybody waiting. Kept until the last turn,
  // because it may say so still.
  lock.unlock();
  const auto left = connections_left();
  lock.lock();
  const Error why(Errc::shut_down, "this node was closed");
  for (const auto& connection : left) connection->forsake(why);
  turn(lock);
  lock.unlock();
  // Messages that did not start within close_timeout are dropped: their callers were told by the
  // lost connection, and running them would keep close() busy beyond any bound.
  handlers_.close();
  peer_events_->close();
  pool_.drop_queued();
  has_stuck_handlers_ = !pool_.stop_within(last_grace);
  if (!has_stuck_handlers_) worker_context_->end();
  lock.lock();
  defer([this] { log_.tell_all(); });
  // What the last ones led to, log lines above all; but not for ever.
  for (int turns = 0; turns < last_turns_max && (turn(lock) != 0 || has_work()); ++turns) {
  }
  undriven_ = true;
  std::list<OneShot> dropped;  // what a timer holds may call back when it goes: not under the lock
  const auto buried = take_buried();
  // Breaks the cycles between peers, connections and this node.
  for (const auto& entry : connections_) peers_.remove(*entry.second);
  peers_.clear();
  connections_.clear();
  dials_.clear();
  outputs_.clear();
  gathering_ = 0;
  held_.clear();
  loopback_.clear();
  heartbeat_.stop();
  redials_.stop();
  contests_.stop();
  backlog_.clear();
  engine_.cancel_timer(hold_alarm_);
  engine_.cancel_timer(gather_alarm_);
  engine_.cancel_timer(wait_alarm_);
  engine_.cancel_timer(line_alarm_);
  engine_.cancel_timer(dispatch_alarm_);
  for (OneShot& timer : one_shots_) engine_.cancel_timer(timer);
  dropped.swap(one_shots_);
  lock.unlock();
}

void NodeCore::give_up_waiting() {
  const std::lock_guard lock(engine_.mutex());
  const Error why(Errc::shut_down, "this node was closed");
  for (const auto& entry : connections_) {
    finish_dial(*entry.second, why);
    entry.second->end_calls(why);
  }
  calls_.release_all_paced();
}

std::vector<NodeCore::ConnectionPtr> NodeCore::connections_left() {
  const std::lock_guard lock(engine_.mutex());
  std::vector<ConnectionPtr> left;
  for (const auto& entry : connections_) left.push_back(entry.second);
  return left;
}

std::vector<std::shared_ptr<dispatch::KeptMessage>> NodeCore::messages_left() {
  const std::lock_guard lock(engine_.mutex());
  std::vector<std::shared_ptr<dispatch::KeptMessage>> left;
  for (const auto& entry : connections_) {
    for (auto& message : entry.second->running()) left.push_back(std::move(message));
  }
  return left;
}

}  // namespace trestle
