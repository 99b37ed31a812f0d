// Calls as Peer makes them.
#include <trestle/manual_driver.hpp>

#include "node/node_core.hpp"
#include "node/turn_scope.hpp"
#include "wire/packet.hpp"

namespace trestle {
namespace {

// Inline handlers that wait run others on the same stack, up to so deep.
constexpr int nested_waits_max = 16;

// A timeout of this or more is no timeout.
constexpr std::chrono::nanoseconds unlimited = std::chrono::nanoseconds::max();

/// Adds to errors that say nothing of their own where they happened.
Error with_target(Error error, std::string_view handler, const InstanceId& peer) {
  const bool bare = error.is(Errc::deadline_exceeded) || error.is(Errc::connection_lost) ||
                    error.is(Errc::connect_refused) || error.is(Errc::shut_down);
  if (bare) {
    error.text = "call of '" + std::string(handler) + "' at " + to_string(peer) + ": " +
                 error.text + " (the handler " + std::string(to_string(error.ran)) + ")";
  }
  return error;
}

}  // namespace

Result<void> NodeCore::check_call(std::string_view handler) const {
  if (handler.empty()) return Error(Errc::invalid_argument, "a call needs a handler name");
  if (handler.size() > wire::handler_name_bytes_max) {
    return Error(Errc::name_too_long, "handler name of " + std::to_string(handler.size()) +
                                          " bytes, the limit is " +
                                          std::to_string(wire::handler_name_bytes_max));
  }
  if (handler.front() == '_') {
    return Error(Errc::reserved_name,
                 "'" + std::string(handler) +
                     "' is a system handler: use the function of Peer that stands for it, such as "
                     "list_handlers()");
  }
  return {};
}

Result<void> NodeCore::may_wait_here() const {
  if (!TurnScope::is_in_any_turn()) return {};
  if (options_.driver != nullptr) return {};  // it bounds the depth itself
  if (TurnScope::innermost() != this) {
    return Error(Errc::would_block_for_ever,
                 "a blocking call of one node inside an inline handler or a timer of another would "
                 "stop that other node; register the handler with Execution::spawn");
  }
  if (TurnScope::depth() < nested_waits_max) return {};
  return Error(Errc::would_block_for_ever,
               "blocking calls of inline handlers are nested " + std::to_string(nested_waits_max) +
                   " deep, which is the limit; register the handlers with Execution::spawn");
}

std::optional<TimePoint> NodeCore::deadline_of(const CallOptions& options, TimePoint now) const {
  const auto timeout = options.timeout.value_or(options_.call_timeout);
  if (timeout >= unlimited - now) return std::nullopt;
  return now + timeout;
}

Result<wire::CallId> NodeCore::send_when_room(engine::Lock& lock, peers::Connection& connection,
                                              peers::OutgoingRequest request,
                                              calls::CallSink* sink) {
  const bool may_wait = options_.when_full == WhenFull::wait && !TurnScope::is_in_any_turn();
  if (!may_wait || connection.has_room_for(request)) {
    return connection.send_request(std::move(request), sink);
  }
  // Room may come only after a handler of this node ran. call() has seen to that already.
  std::optional<dispatch::WorkerPool::BlockingGuard> guard;
  if (sink == nullptr) guard.emplace(pool_);
  if (guard && !guard->may_block()) return connection.send_request(std::move(request), sink);
  const auto keep_alive = connection.shared_from_this();
  peers::BlockedSend send;
  send.sink = sink;
  const auto deadline = request.deadline.value_or(engine_.time_after(options_.call_timeout));
  send.request = std::move(request);
  connection.wait_for_room(send);
  WaitLimit limit(leadership_, send);
  engine_.arm_timer(limit, deadline);
  flush_outputs();
  wait(lock, send);
  lock.lock();
  engine_.cancel_timer(limit);
  connection.stop_waiting_for_room(send);
  // It may not have been sent, and what it holds is the application's.
  if (send.request.argument.payload.is_lent()) {
    spent_.push_back(std::move(send.request.argument.payload));
  }
  return std::move(send.admitted);
}

Result<Encoded> NodeCore::call(const peers::PeerLinkPtr& link, peers::OutgoingRequest request) {
  if (auto allowed = may_wait_here(); allowed.has_error()) return std::move(allowed).error();
  const dispatch::WorkerPool::BlockingGuard guard(pool_);
  if (!guard.may_block()) {
    return Error(Errc::overloaded,
                 "every worker waits for a call of its own, and no more may be started: refused "
                 "rather than deadlocked");
  }
  const std::string_view handler = request.handler;
  const TimePoint patience = request.deadline.value_or(TimePoint::max());
  OutcomeWaiter waiter(leadership_);
  engine::Lock lock(engine_.mutex());
  auto connection = route(*link, patience);
  if (connection.has_error()) return std::move(connection).error();
  // Only a wait by hand can end without an outcome.
  const ConnectionPtr kept =
      options_.driver != nullptr ? (*connection)->shared_from_this() : nullptr;
  auto sent = send_when_room(lock, **connection, std::move(request), &waiter);
  if (sent.has_error()) {
    drop_spent(lock);
    return std::move(sent).error();
  }
  flush_outputs();
  if (!wait(lock, waiter)) {
    lock.lock();
    kept->abandon(*sent);
    return Error(Errc::would_block_for_ever,
                 "nothing is left to do that could bring the outcome of this call", Ran::maybe);
  }
  if (waiter.outcome.has_error()) {
    return with_target(std::move(waiter.outcome).error(), handler, id_of(*link));
  }
  return std::move(waiter.outcome);
}

Result<Encoded> NodeCore::invoke(const peers::PeerLinkPtr& link, std::string_view handler,
                                 DeliveryMode mode, Encoded argument, const CallOptions& options) {
  if (auto valid = check_call(handler); valid.has_error()) return std::move(valid).error();
  const TimePoint start = now();
  return call(link, {.handler = handler,
                     .mode = mode,
                     .argument = std::move(argument),
                     .deadline = deadline_of(options, start),
                     .made_at = start});
}

Result<Encoded> NodeCore::invoke_system(const peers::PeerLinkPtr& link, std::string_view handler,
                                        Encoded argument, const CallOptions& options) {
  const TimePoint start = now();
  return call(link, {.handler = handler,
                     .mode = DeliveryMode::with_response,
                     .argument = std::move(argument),
                     .deadline = deadline_of(options, start),
                     .made_at = start});
}

void NodeCore::start_call(const peers::PeerLinkPtr& link, std::string_view handler,
                          DeliveryMode mode, Result<Encoded> argument, const CallOptions& options,
                          detail::CallCompletion done) {
  auto sink = std::make_unique<DetachedOutcome>(*this, std::move(done));
  engine::Lock lock(engine_.mutex());
  ++detached_calls_;
  auto started = start_detached(link, handler, mode, argument, options, *sink);
  DetachedOutcome& completed = *sink.release();  // by the connection, or now
  if (started.has_error() && undriven_) {
    lock.unlock();
    return completed.complete(std::move(started).error());
  }
  if (started.has_error()) on_outcome(completed, std::move(started).error());
  leadership_.ensure_led();
  drop_spent(lock);
}

Result<void> NodeCore::start_detached(const peers::PeerLinkPtr& link, std::string_view handler,
                                      DeliveryMode mode, Result<Encoded>& argument,
                                      const CallOptions& options, DetachedOutcome& sink) {
  if (auto valid = check_call(handler); valid.has_error()) return valid;
  if (argument.has_error()) return std::move(argument).error();
  const TimePoint start = now();
  const auto deadline = deadline_of(options, start);
  auto connection = route(*link, deadline.value_or(TimePoint::max()));
  if (connection.has_error()) return std::move(connection).error();
  auto sent = (*connection)
                  ->send_request({.handler = handler,
                                  .mode = mode,
                                  .argument = std::move(*argument),
                                  .deadline = deadline,
                                  .made_at = start},
                                 &sink);
  if (sent.has_error()) return std::move(sent).error();
  if (!TurnScope::is_in_turn_of(*this)) flush_soon(**connection, start);
  return {};
}

Result<MessageId> NodeCore::admit(const peers::PeerLinkPtr& link, std::string_view handler,
                                  Encoded argument) {
  if (auto valid = check_call(handler); valid.has_error()) return std::move(valid).error();
  const TimePoint start = now();
  engine::Lock lock(engine_.mutex());
  auto connection = route(*link, engine_.time_after(options_.call_timeout));
  if (connection.has_error()) return std::move(connection).error();
  const std::uint64_t origin = (*connection)->own_origin();
  auto sent = send_when_room(lock, **connection,
                             {.handler = handler,
                              .mode = DeliveryMode::fire_and_forget,
                              .argument = std::move(argument),
                              .deadline = {},
                              .made_at = start},
                             nullptr);
  if (sent.has_error()) {
    drop_spent(lock);
    return std::move(sent).error();
  }
  if (!TurnScope::is_in_turn_of(*this)) {
    flush_soon(**connection, start);
    drop_spent(lock);
  }
  return MessageId::from_halves(origin, sent->value);
}

Result<std::chrono::nanoseconds> NodeCore::ping(const peers::PeerLinkPtr& link,
                                                const CallOptions& options) {
  if (auto allowed = may_wait_here(); allowed.has_error()) return std::move(allowed).error();
  const dispatch::WorkerPool::BlockingGuard guard(pool_);
  const TimePoint start = now();
  const auto deadline = deadline_of(options, start);
  OutcomeWaiter waiter(leadership_);
  engine::Lock lock(engine_.mutex());
  auto connection = route(*link, deadline.value_or(TimePoint::max()));
  if (connection.has_error()) return std::move(connection).error();
  const ConnectionPtr kept = (*connection)->shared_from_this();
  auto sent = kept->send_ping(waiter, deadline);
  if (sent.has_error()) return std::move(sent).error();
  flush_outputs();
  if (!wait(lock, waiter)) {
    lock.lock();
    kept->abandon(*sent);
    return Error(Errc::would_block_for_ever, "nothing is left to do that could bring the pong");
  }
  if (waiter.outcome.has_error()) {
    return with_target(std::move(waiter.outcome).error(), "ping", id_of(*link));
  }
  return now() - start;
}

}  // namespace trestle
