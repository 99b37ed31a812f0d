// Calls as Peer makes them.
#include "node/outgoing_calls.hpp"

#include <algorithm>
#include <utility>

#include "node/call_state.hpp"
#include "node/plain_call.hpp"
#include "node/stop_watch.hpp"
#include "node/turn_scope.hpp"
#include "node/wait_limit.hpp"
#include "wire/packet.hpp"

namespace trestle {
namespace {

// A timeout of this or more is no timeout.
constexpr std::chrono::nanoseconds unlimited = std::chrono::nanoseconds::max();

// What stands for a handler's name in the errors of a ping.
constexpr std::string_view ping_name = "ping";

Error stopped_already(std::string_view handler) {
  return Error(Errc::cancelled, "call of '" + std::string(handler) +
                                    "': its stop token was stopped before, nothing was sent");
}

/// Member by member: GCC 12 clears an aggregate that it makes as a whole with a string instruction,
/// which takes longer than all of this.
void fill(peers::OutgoingRequest& request, const CallTarget& target, Encoded&& argument) {
  request.handler = target.handler;
  request.mode = target.mode;
  request.argument.codec = argument.codec;
  request.argument.payload = std::move(argument.payload);
  request.argument.headers = std::move(argument.headers);
}

/// Those of the argument win: they were set for just this message.
void add_headers(const Headers& more, Headers& headers) {
  for (const auto& [name, value] : more) {
    if (!headers.get(name)) headers.set(name, value);
  }
}

/// Whether check_handler_name() finds nothing; a Result for each call would cost more.
bool is_callable(std::string_view handler) noexcept {
  return !handler.empty() && handler.size() <= wire::handler_name_bytes_max &&
         handler.front() != '_';
}

}  // namespace

Result<void> check_handler_name(std::string_view handler) {
  if (is_callable(handler)) return {};
  if (handler.empty()) return Error(Errc::invalid_argument, "a call needs a handler name");
  if (handler.size() > wire::handler_name_bytes_max) {
    return Error(Errc::name_too_long, "handler name of " + std::to_string(handler.size()) +
                                          " bytes, the limit is " +
                                          std::to_string(wire::handler_name_bytes_max));
  }
  return Error(Errc::reserved_name,
               "'" + std::string(handler) +
                   "' is a system handler: use the function of Peer that stands for it, such as "
                   "list_handlers()");
}

Error with_target(Error error, std::string_view handler, const InstanceId& peer) {
  const bool bare = error.is(Errc::deadline_exceeded) || error.is(Errc::connection_lost) ||
                    error.is(Errc::connect_refused) || error.is(Errc::shut_down) ||
                    error.is(Errc::cancelled);
  if (bare) {
    error.text = "call of '" + std::string(handler) + "' at " + to_string(peer) + ": " + error.text;
  }
  return error;
}

Error no_worker_left() {
  return Error(Errc::overloaded,
               "every worker waits for a call of its own, and no more may be started: refused "
               "rather than deadlocked");
}

InstanceId OutgoingCalls::id_of(const detail::PeerLink& link) {
  const engine::Lock lock(engine_.mutex());
  return link.instance;
}

void OutgoingCalls::settle(engine::Lock& lock) {
  if (!host_.is_in_turn()) host_.flush_outputs();
  leadership_.ensure_led();
  host_.drop_spent(lock);
}

std::optional<TimePoint> OutgoingCalls::deadline_of(const CallOptions& options,
                                                    TimePoint now) const {
  const auto timeout = options.timeout.value_or(options_.call_timeout);
  if (timeout >= unlimited - now) return options.deadline;
  return options.deadline ? std::min(*options.deadline, now + timeout) : now + timeout;
}

Result<void> OutgoingCalls::prepare(const CallTarget& target,
                                    peers::OutgoingRequest& request) const {
  const CallOptions& options = target.options;
  request.made_at = engine_.now();
  request.deadline = deadline_of(options, request.made_at);
  if (options.deadline && *options.deadline <= request.made_at) {
    return Error(Errc::deadline_exceeded, "call of '" + std::string(target.handler) +
                                              "': its deadline was over before, nothing was sent");
  }
  if (options.stop.stop_requested()) return stopped_already(target.handler);
  if (!options.headers.empty()) add_headers(options.headers, request.argument.headers);
  return {};  // the connection checks them against the limits
}

// ---- Room ----

bool OutgoingCalls::must_wait_for_room(const peers::Connection& connection,
                                       const peers::OutgoingRequest& request,
                                       const Patience& patience) const {
  const bool may_wait = patience.when_full == WhenFull::wait && !TurnScope::is_in_any_turn();
  return may_wait && !connection.has_room_for(request);
}

/// Ends the wait for room of a sender whose token stops.
struct OutgoingCalls::StopBlocked {
  void operator()() const {
    const engine::Lock lock(calls.engine_.mutex());
    if (send.is_done()) return;
    send.at->stop_waiting_for_room(send);
    send.admitted = Error(Errc::cancelled, "stopped while it waited for room in the send queue");
    calls.leadership_.finish(send);
  }
  OutgoingCalls& calls;
  peers::BlockedSend& send;
};

Result<wire::CallId> OutgoingCalls::send_when_room(engine::Lock& lock,
                                                   peers::Connection& connection,
                                                   peers::OutgoingRequest& request,
                                                   calls::CallSink* sink,
                                                   const Patience& patience) {
  peers::BlockedSend send;
  send.at = connection.shared_from_this();
  send.sink = sink;
  send.request = std::move(request);
  connection.wait_for_room(send);
  WaitLimit limit(leadership_, send);
  engine_.arm_timer(limit, patience.deadline.value_or(engine_.time_after(options_.call_timeout)));
  StopWatch watch(lock, patience.stop, StopBlocked{*this, send});
  host_.flush_outputs();
  host_.wait(lock, send);
  watch.end();
  lock.lock();
  engine_.cancel_timer(limit);
  send.at->stop_waiting_for_room(send);
  // It may not have been sent, and what it holds is the application's.
  if (send.request.argument.payload.is_lent()) {
    host_.spent_payloads().push_back(std::move(send.request.argument.payload));
  }
  return std::move(send.admitted);
}

Result<wire::CallId> OutgoingCalls::send_or_wait(engine::Lock& lock, peers::Connection& connection,
                                                 peers::OutgoingRequest&& request,
                                                 calls::CallSink* sink, const Patience& patience) {
  if (must_wait_for_room(connection, request, patience)) {
    // Room may come only after a handler of this node ran.
    const dispatch::WorkerPool::BlockingGuard guard(pool_);
    if (guard.may_block()) return send_when_room(lock, connection, request, sink, patience);
  }
  const TimePoint made_at = request.made_at;
  auto id = connection.send_request(std::move(request), sink);
  if (id.has_value() && !host_.is_in_turn()) host_.flush_soon(connection, made_at);
  return id;
}

// ---- Calls that block ----

Result<Encoded> OutgoingCalls::invoke(const CallTarget& target, Encoded&& argument) {
  if (!is_callable(target.handler)) return check_handler_name(target.handler).error();
  return call(target, std::move(argument));
}

Result<Encoded> OutgoingCalls::invoke_system(const CallTarget& target, Encoded&& argument) {
  return call(target, std::move(argument));
}

Result<std::chrono::nanoseconds> OutgoingCalls::ping(const peers::PeerLinkPtr& link,
                                                     const CallOptions& options) {
  if (auto allowed = host_.may_wait_here(); allowed.has_error()) {
    return std::move(allowed).error();
  }
  const dispatch::WorkerPool::BlockingGuard guard(pool_);
  if (!guard.may_block()) return no_worker_left();
  const TimePoint start = engine_.now();
  const auto state = detail::CallState::make(*this, link, ping_name);
  const detail::OpenCall dropped_if_refused(state);
  {
    engine::Lock lock(engine_.mutex());
    state->begin();
    ++counts_.started;
    auto sent = send_started_ping(link, options, *state);
    if (sent.has_error()) {
      state->refused();
      return count_failed(std::move(sent).error());
    }
    state->sent(sent->connection, sent->connection->own_origin(), sent->call);
    leadership_.ensure_led();
  }
  state->end_with(options.stop);
  auto pong = state->await_outcome();
  if (pong.has_error()) return std::move(pong).error();
  return engine_.now() - start;
}

// ---- Calls that do not ----

Result<std::shared_ptr<detail::CallState>> OutgoingCalls::send_opened(
    const CallTarget& target, peers::OutgoingRequest&& request, WhenFull when_full) {
  auto state = detail::CallState::make(*this, target.link, target.handler);
  engine::Lock lock(engine_.mutex());
  ++counts_.started;
  auto connection = host_.route(*target.link, request.deadline.value_or(TimePoint::max()));
  if (connection.has_error()) return count_failed(std::move(connection).error());
  const std::uint64_t origin = (*connection)->own_origin();
  state->begin();
  const Patience patience{request.deadline, target.options.stop, when_full};
  auto sent = send_or_wait(lock, **connection, std::move(request), state.get(), patience);
  if (sent.has_error()) {
    counts_.fail(sent.error());
    state->refused();
  } else {
    state->sent(*connection, origin, *sent);
  }
  settle_sent(lock);
  lock.unlock();
  if (sent.has_error()) return std::move(sent).error();
  state->end_with(target.options.stop);
  return state;
}

Result<detail::OpenCall> OutgoingCalls::open(const CallTarget& target, Result<Encoded>&& argument,
                                             detail::CallDemand demand) {
  if (auto valid = check_handler_name(target.handler); valid.has_error())
    return std::move(valid).error();
  if (argument.has_error()) return std::move(argument).error();
  peers::OutgoingRequest request{.handler = target.handler,
                                 .mode = target.mode,
                                 .argument = std::move(*argument),
                                 .wants_accepted = demand.acceptance};
  if (demand.expectation) {
    request.expectation = std::make_unique<Expectation>(*std::move(demand.expectation));
  }
  if (auto ready = prepare(target, request); ready.has_error()) return std::move(ready).error();
  auto state = send_opened(target, std::move(request), options_.when_full);
  if (state.has_error()) return std::move(state).error();
  return detail::OpenCall(*std::move(state));
}

Result<detail::OpenCall> OutgoingCalls::open_at_once(const CallTarget& target, Encoded&& argument) {
  if (auto valid = check_handler_name(target.handler); valid.has_error())
    return std::move(valid).error();
  peers::OutgoingRequest request{
      .handler = target.handler, .mode = target.mode, .argument = std::move(argument)};
  if (auto ready = prepare(target, request); ready.has_error()) return std::move(ready).error();
  auto state = send_opened(target, std::move(request), WhenFull::fail);
  if (state.has_error()) return std::move(state).error();
  return detail::OpenCall(*std::move(state));
}

template <class Send>
void OutgoingCalls::start_with(const CallTarget& target, detail::CallCompletion&& done,
                               detail::CallCanceller* canceller, Send send) {
  if (canceller == nullptr && !target.options.stop.stop_possible()) {
    return start_plain(target, std::move(done), send);
  }
  const auto state = detail::CallState::make(*this, target.link, target.handler);
  if (canceller != nullptr) *canceller = detail::CallCanceller(state);
  engine::Lock lock(engine_.mutex());
  state->begin(std::move(done));
  ++counts_.started;
  Result<Sent> sent = send(*state);
  if (sent.has_value()) {
    state->sent(sent->connection, sent->connection->own_origin(), sent->call);
  } else {
    state->complete(std::move(sent).error());
    if (host_.is_undriven()) {
      lock.unlock();
      return state->deliver();
    }
  }
  settle_sent(lock);
  lock.unlock();
  state->end_with(target.options.stop);
}

template <class Send>
void OutgoingCalls::start_plain(const CallTarget& target, detail::CallCompletion&& done,
                                Send& send) {
  // Whoever completes it has it then, perhaps before send() is over: flushing may fail.
  auto* const call = new detail::PlainCall(*this, target.link, target.handler, std::move(done));
  engine::Lock lock(engine_.mutex());
  ++unattended_;
  ++counts_.started;
  Result<Sent> sent = send(*call);
  if (sent.has_error() && host_.is_undriven()) {
    --unattended_;
    const std::unique_ptr<detail::PlainCall> ended(call);
    ended->settle(count_failed(std::move(sent).error()));
    lock.unlock();
    return ended->deliver();
  }
  if (sent.has_error()) call->complete(std::move(sent).error());
  settle_sent(lock);
}

void OutgoingCalls::start_request(const CallTarget& target, peers::OutgoingRequest& request,
                                  Result<void>&& ready, detail::CallCompletion&& done,
                                  detail::CallCanceller* canceller) {
  start_with(target, std::move(done), canceller, [&](calls::CallSink& sink) -> Result<Sent> {
    if (ready.has_error()) return std::move(ready).error();
    return send_started(target, request, sink);
  });
}

bool OutgoingCalls::start_small(const CallTarget& target, Encoded& argument,
                                detail::CallCompletion& done) {
  const CallOptions& options = target.options;
  if (argument.payload.size() >= peers::Outbox::lend_bytes_min || !argument.headers.empty() ||
      options.deadline || options.stop.stop_possible() || !options.headers.empty()) {
    return false;
  }
  // Given back when it was copied, without the lock. What is around `argument` may live for longer,
  // or be gone by then.
  Payload payload = std::move(argument.payload);
  const TimePoint now = engine_.now();
  const peers::SmallCall small{
      target.handler, target.mode, argument.codec, payload.view(), deadline_of(options, now), now};
  // Whoever completes it has it, from the moment that the connection knows it.
  auto* const call = new detail::PlainCall(*this, target.link, target.handler, std::move(done));
  engine::Lock lock(engine_.mutex());
  ++unattended_;
  ++counts_.started;
  // In the child of a fork connections look as good as they were.
  peers::Connection* const connection =
      host_.is_undriven() ? nullptr : peers::only_connection(*target.link);
  if (connection == nullptr || !connection->send_small_call(small, *call)) {
    --unattended_;
    --counts_.started;
    lock.unlock();
    const std::unique_ptr<detail::PlainCall> unsent(call);
    done = unsent->take_completion();
    argument.payload = std::move(payload);
    return false;
  }
  let_call_leave(*connection, now);
  settle_sent(lock);
  return true;
}

void OutgoingCalls::start(const CallTarget& target, Result<Encoded>&& argument,
                          detail::CallCompletion&& done, detail::CallCanceller* canceller) {
  if (canceller == nullptr && argument.has_value() && start_small(target, *argument, done)) return;
  peers::OutgoingRequest request;
  Result<void> ready = check_handler_name(target.handler);
  if (ready.has_value() && argument.has_error()) ready = std::move(argument).error();
  if (ready.has_value()) {
    fill(request, target, *std::move(argument));
    ready = prepare(target, request);
  }
  start_request(target, request, std::move(ready), std::move(done), canceller);
}

void OutgoingCalls::start_system(const CallTarget& target, Encoded&& argument,
                                 detail::CallCompletion&& done, detail::CallCanceller* canceller) {
  peers::OutgoingRequest request{
      .handler = target.handler, .mode = target.mode, .argument = std::move(argument)};
  start_request(target, request, prepare(target, request), std::move(done), canceller);
}

void OutgoingCalls::start_ping(const peers::PeerLinkPtr& link, const CallOptions& options,
                               detail::PingCompletion done, detail::CallCanceller* canceller) {
  auto measure = [&engine = engine_, start = engine_.now(),
                  done = std::move(done)](Result<Encoded>&& pong) mutable {
    if (pong.has_error()) return done(std::move(pong).error());
    done(engine.now() - start);
  };
  const CallTarget target{link, ping_name, DeliveryMode::with_response, options};
  start_with(target, std::move(measure), canceller,
             [&](calls::CallSink& sink) { return send_started_ping(link, options, sink); });
}

Result<OutgoingCalls::Sent> OutgoingCalls::send_started(const CallTarget& target,
                                                        peers::OutgoingRequest& request,
                                                        calls::CallSink& sink) {
  auto connection = host_.route(*target.link, request.deadline.value_or(TimePoint::max()));
  if (connection.has_error()) return std::move(connection).error();
  const TimePoint made_at = request.made_at;
  auto sent = (*connection)->send_request(std::move(request), &sink);
  if (sent.has_error()) return std::move(sent).error();
  let_call_leave(**connection, made_at);
  return Sent{*connection, *sent};
}

void OutgoingCalls::let_call_leave(peers::Connection& connection, TimePoint made_at) {
  // What is sent in a turn leaves at its end, unless that is enough for a packet.
  if (!host_.is_in_turn()) {
    host_.flush_soon(connection, made_at);
  } else if (connection.gathering.is_full()) {
    host_.flush_outputs();
  }
}

Result<OutgoingCalls::Sent> OutgoingCalls::send_started_ping(const peers::PeerLinkPtr& link,
                                                             const CallOptions& options,
                                                             calls::CallSink& sink) {
  if (options.stop.stop_requested()) return stopped_already(ping_name);
  const auto deadline = deadline_of(options, engine_.now());
  auto connection = host_.route(*link, deadline.value_or(TimePoint::max()));
  if (connection.has_error()) return std::move(connection).error();
  auto sent = (*connection)->send_ping(sink, deadline);
  if (sent.has_error()) return std::move(sent).error();
  if (!host_.is_in_turn()) host_.flush_outputs();
  return Sent{*connection, *sent};
}

void OutgoingCalls::settle_sent(engine::Lock& lock) {
  leadership_.ensure_led();
  host_.drop_spent(lock);
}

}  // namespace trestle
