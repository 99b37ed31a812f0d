// Waiting: for a permit, a worker, a receipt, or others of a batch; and its end without a run.
#include <algorithm>
#include <string>
#include <utility>

#include "dispatch/dispatcher.hpp"
#include "dispatch/handler_fit.hpp"
#include "dispatch/responders.hpp"

namespace trestle::dispatch {
namespace {

Error no_worker() {
  return Error(Errc::overloaded,
               "too many messages wait for this handler or a worker (spawn_queue_messages)");
}

std::string limit_text(const std::string& what, std::size_t waiting, std::size_t limit,
                       const std::string& option) {
  return what + " is full: " + std::to_string(waiting) + " waiting, the limit is " +
         std::to_string(limit) + " (" + option + ")";
}

TimePoint later(TimePoint time, std::chrono::nanoseconds delay) {
  return delay < TimePoint::max() - time ? time + delay : TimePoint::max();
}

}  // namespace

// ---- Gates --------------------------------------------------------------------------------------

void Dispatcher::add_gates(Passage& run, registry::Entry& entry) {
  if (entry.permits.is_limited()) run.add_gate({&entry.permits, queue_max_});
  if (node_permits_.is_limited() && !entry.is_systems()) run.add_gate({&node_permits_, queue_max_});
}

std::optional<Error> Dispatcher::line_up(const MessagePtr& message) {
  const Lane& lane = message->entry->handler.options.lane;
  if (lane.scope != Lane::Scope::none) {
    message->lane = lanes_.enter(lane, message->connection->peer().instance);
    message->is_in_lane = true;
    message->add_gate({&message->lane->permits, room_of(lane)});
    if (lane.when_full == LaneFull::warn) warn_if_full(*message);
  }
  add_gates(*message, *message->entry);
  if (!message->is_gated()) {
    go_on(message);
    return std::nullopt;
  }
  list(message);
  const auto outcome = message->enter([&] { return task_for(message); });
  if (outcome == Passage::Outcome::full)
    return full_at(*message, *message->entry, message->lane.get());
  if (outcome == Passage::Outcome::through) go_on(message);
  return std::nullopt;
}

template <class Run>
void Dispatcher::inherit(const std::shared_ptr<Run>& run) {
  const auto outcome = run->inherit([&] { return task_for(run); });
  if (outcome == Passage::Outcome::through) return go_on(run);
  if (outcome == Passage::Outcome::full) refuse_later(run);
}

std::size_t Dispatcher::room_of(const Lane& lane) const noexcept {
  return lane.when_full == LaneFull::warn ? queue_max_ : std::min(queue_max_, lane.waiting_max);
}

Error Dispatcher::full_at(const Passage& run, const registry::Entry& entry,
                          const OpenLane* lane) const {
  const Permits& here = *run.here();
  const std::string handler = "handler '" + entry.handler.name + "'";
  const Lane& option = entry.handler.options.lane;
  const bool is_lane = lane != nullptr && &here == &lane->permits;
  const std::string what =
      is_lane ? lane->text() : "the line for " + (&here == &node_permits_ ? "the node" : handler);
  if (is_lane && room_of(option) < queue_max_) {
    return Error(Errc::overloaded, limit_text(what, here.waiting(), option.waiting_max,
                                              "Lane::waiting_max of " + handler));
  }
  return Error(Errc::overloaded,
               limit_text(what, here.waiting(), queue_max_, "spawn_queue_messages"));
}

void Dispatcher::warn_if_full(const KeptMessage& message) {
  const Handler& handler = message.entry->handler;
  const std::size_t limit = handler.options.lane.waiting_max;
  // Only ever the leader adds to a lane: the message will be one more, unless another starts now.
  const std::size_t waiting = message.lane->permits.waiting();
  if (waiting < std::max<std::size_t>(limit, 1) || !lanes_.should_warn(*message.lane)) return;
  events_.warn(limit_text(message.lane->text(), waiting, limit,
                          "Lane::waiting_max of handler '" + handler.name + "'") +
               "; more are taken");
}

void Dispatcher::leave_gates(KeptMessage& message) {
  message.leave();
  if (!std::exchange(message.is_in_lane, false)) return;
  const TimePoint now = events_.now();
  if (lanes_.leave(*message.lane, now)) look_at(now + Lanes::idle_max);
}

// ---- Batches ------------------------------------------------------------------------------------

std::optional<Error> Dispatcher::join_batch(const MessagePtr& message) {
  registry::Entry& entry = *message->entry;
  BatchCollector& collector = *entry.batches;
  if (collector.waiting() >= queue_max_) {
    return Error(Errc::overloaded,
                 limit_text("the line for handler '" + entry.handler.name + "'",
                            collector.waiting(), queue_max_, "spawn_queue_messages"));
  }
  list(message);
  const auto joined =
      collector.join(message, later(events_.recent_time(), collector.options().delay_max));
  if (wants_receipt(*message)) {
    ++joined.batch->obstacles;  // the others wait for it, too
    events_.defer([this, message, batch = joined.batch] {
      give_receipt(message);
      go_on(batch);
    });
  }
  if (joined.filled != nullptr) complete(joined.filled);
  if (joined.is_complete) {
    complete(joined.batch);
  } else if (joined.is_first) {
    batches_.enter(joined.batch->closes_at, joined.batch);
    look_at(joined.batch->closes_at);
  }
  return std::nullopt;
}

void Dispatcher::complete(const BatchPtr& batch) {
  batches_.leave(batch->closes_at, *batch);
  add_gates(*batch, *batch->entry_owner);
  if (batch->is_gated()) batches_.enter(TimePoint::max(), batch);
  const auto outcome = batch->enter([&] { return task_for(batch); });
  if (outcome == Passage::Outcome::through) return go_on(batch);
  if (outcome == Passage::Outcome::full) refuse_later(batch);
}

// ---- The start ----------------------------------------------------------------------------------

void Dispatcher::start(const MessagePtr& message) {
  if (message->entry->handler.options.execution == Execution::inline_) {
    return events_.defer([this, kept = message] { run_kept(kept); });
  }
  // Captured as it is, it would be const, and copied where the task moves.
  if (pool_.submit([this, kept = message] { run_kept(kept); }, &message->worker_place)) return;
  refuse_later(message);
}

void Dispatcher::start(const BatchPtr& batch) {
  if (batch->entry_owner->handler.options.execution == Execution::inline_) {
    return events_.defer([this, kept = batch] { run_batch(kept); });
  }
  if (!pool_.submit([this, kept = batch] { run_batch(kept); })) refuse_later(batch);
}

void Dispatcher::refuse_later(const MessagePtr& message) {
  if (!claim(*message)) return;  // it was dropped, and has left its lane
  Error why =
      message->has_all() ? no_worker() : full_at(*message, *message->entry, message->lane.get());
  // Refusing takes the engine's lock, which the caller may hold.
  events_.defer([this, message, why = std::move(why)]() mutable {
    KeptResponder(*this, message).fail(std::move(why));
  });
}

void Dispatcher::refuse_later(const BatchPtr& batch) {
  registry::Entry& entry = *batch->entry_owner;
  Error why = batch->has_all() ? no_worker() : full_at(*batch, entry, nullptr);
  events_.defer([this, batch, why = std::move(why)] {
    for (const MessagePtr& message : batch->entry_owner->batches->take(*batch)) {
      if (claim(*message)) KeptResponder(*this, message).fail(why);
    }
    leave_gates(*batch);
  });
}

void Dispatcher::leave_gates(KeptBatch& batch) {
  if (batch.is_gated()) batches_.leave(TimePoint::max(), batch);
  batch.leave();
}

bool Dispatcher::give_receipt(const MessagePtr& message) {
  if (!message->is_waiting()) return false;
  auto fits = check_payload(message->entry->handler, message->codec, message->payload.view());
  if (fits.has_error()) {
    if (claim(*message)) drop(message, std::move(fits).error());
    return false;
  }
  events_.answer({message->connection, message->call, Receipt{message->entry_owner}});
  return true;
}

// ---- The end without a run ----------------------------------------------------------------------

void Dispatcher::list(const MessagePtr& message) {
  const TimePoint until = message->deadline.value_or(TimePoint::max());
  message->is_listed = true;
  waiting_.enter(until, message);
  look_at(until);
}

bool Dispatcher::claim(KeptMessage& message) {
  if (!message.claim()) return false;
  if (message.is_listed) {
    waiting_.leave(message.deadline.value_or(TimePoint::max()), message);
  }
  return true;
}

void Dispatcher::cancel(std::shared_ptr<KeptMessage> message) {
  events_.defer([this, message = std::move(message)] { drop_or_stop(message); });
}

void Dispatcher::stop(std::shared_ptr<KeptMessage> message) {
  events_.defer([message = std::move(message)] { message->request_stop(); });
}

void Dispatcher::drop_or_stop(const MessagePtr& message) {
  if (!claim(*message)) return message->request_stop();
  drop(message, Error(Errc::cancelled, "the caller cancelled it before its handler started"));
}

void Dispatcher::drop(const MessagePtr& message, Error why) {
  leave_gates(*message);
  if (BatchCollector* const collector = message->entry->batches.get()) {
    if (const BatchPtr ended = collector->leave(*message)) {
      batches_.leave(ended->closes_at, *ended);
    }
  }
  pool_.withdraw(message->worker_place);
  message->entry->count(refusal_of(why));
  KeptResponder(*this, message).refuse(std::move(why));
}

void Dispatcher::look_at(TimePoint time) {
  // Relaxed: what happens then is under locks of its own.
  TimePoint::rep planned = next_look_.load(std::memory_order_relaxed);
  while (time.count() < planned) {
    if (!next_look_.compare_exchange_weak(planned, time.count(), std::memory_order_relaxed)) {
      continue;
    }
    return events_.defer([this, time] { events_.look_at(time); });
  }
}

void Dispatcher::on_time() {
  next_look_.store(TimePoint::max().count(), std::memory_order_relaxed);
  const TimePoint now = events_.now();
  for (const BatchPtr& batch : batches_.take_due(now)) {
    if (batch->entry_owner->batches->close(*batch)) complete(batch);
  }
  for (const MessagePtr& message : waiting_.take_due(now)) {
    if (!claim(*message)) continue;
    drop(message, Error(Errc::deadline_exceeded, "the message waited too long"));
  }
  lanes_.reap(now);
  for (const auto next : {batches_.next(), waiting_.next(), lanes_.next_reap()}) {
    if (next) look_at(*next);
  }
}

void Dispatcher::close_gate() {
  gate_closed_.store(true, std::memory_order_relaxed);
  for (const BatchPtr& batch : batches_.take_all()) {
    if (batch->entry_owner->batches->close(*batch)) {
      complete(batch);
    } else {
      batches_.enter(TimePoint::max(), batch);
    }
  }
}

void Dispatcher::refuse_waiting(const std::vector<MessagePtr>& unstarted) {
  const auto refuse_all = [this](const std::vector<MessagePtr>& messages) {
    for (const MessagePtr& message : messages) {
      if (!claim(*message)) continue;
      drop(message, Error(Errc::draining,
                          "the peer is shutting down, and had no time left for "
                          "messages that wait (close_timeout)"));
    }
  };
  refuse_all(waiting_.take_all());
  refuse_all(unstarted);
  for (const BatchPtr& batch : batches_.take_all()) batch->leave();
}

}  // namespace trestle::dispatch
