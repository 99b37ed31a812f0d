// Calls as Peer makes them.
#include <trestle/manual_driver.hpp>

#include "node/node_core.hpp"
#include "node/turn_scope.hpp"
#include "wire/packet.hpp"

namespace trestle {
namespace {

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
  return Error(Errc::would_block_for_ever,
               "a blocking call inside an inline handler or a timer would stop the thread that "
               "its outcome needs; register the handler with Execution::spawn");
}

std::optional<TimePoint> NodeCore::deadline_of(const CallOptions& options) const {
  const auto timeout = options.timeout.value_or(options_.call_timeout);
  if (timeout >= unlimited - now()) return std::nullopt;
  return now() + timeout;
}

bool NodeCore::wait_for(const std::function<bool()>& done, const std::function<void()>& block) {
  if (options_.driver != nullptr) return options_.driver->run_until(done);
  block();
  return true;
}

Result<Encoded> NodeCore::wait_for_outcome(
    const std::function<Result<void>(AwaitedOutcome&, Started&)>& start) {
  if (auto allowed = may_wait_here(); allowed.has_error()) return std::move(allowed).error();
  const dispatch::WorkerPool::BlockingGuard guard(pool_);
  if (!guard.may_block()) {
    return Error(Errc::overloaded,
                 "every worker waits for a call of its own, and no more may be started: refused "
                 "rather than deadlocked");
  }
  AwaitedOutcome outcome;
  Started started;
  {
    const std::lock_guard lock(engine_.mutex());
    if (auto sent = start(outcome, started); sent.has_error()) return std::move(sent).error();
    flush_outputs();
  }
  if (!wait_for([&] { return outcome.is_set(); }, [&] { outcome.wait(); })) {
    const std::lock_guard lock(engine_.mutex());
    started.connection->abandon(started.call);
    return Error(Errc::would_block_for_ever,
                 "nothing is left to do that could bring the outcome of this call", Ran::maybe);
  }
  return outcome.take();
}

Result<Encoded> NodeCore::call(const peers::PeerLinkPtr& link, peers::OutgoingRequest request) {
  const std::string_view handler = request.handler;
  auto outcome = wait_for_outcome([&](AwaitedOutcome& sink, Started& started) -> Result<void> {
    auto connection =
        route(link, request.deadline.value_or(engine_.time_after(options_.call_timeout)));
    if (connection.has_error()) return std::move(connection).error();
    auto sent = (*connection)->send_request(std::move(request), &sink);
    if (sent.has_error()) return std::move(sent).error();
    started = {(*connection)->shared_from_this(), *sent};
    return {};
  });
  if (outcome.has_error()) return with_target(std::move(outcome).error(), handler, id_of(*link));
  return outcome;
}

Result<Encoded> NodeCore::invoke(const peers::PeerLinkPtr& link, std::string_view handler,
                                 DeliveryMode mode, Encoded argument, const CallOptions& options) {
  if (auto valid = check_call(handler); valid.has_error()) return std::move(valid).error();
  return call(link, {handler, mode, std::move(argument), deadline_of(options)});
}

Result<Encoded> NodeCore::invoke_system(const peers::PeerLinkPtr& link, std::string_view handler,
                                        const CallOptions& options) {
  return call(link,
              {handler, DeliveryMode::with_response, {Codec::msgpack, {}}, deadline_of(options)});
}

void NodeCore::start_call(const peers::PeerLinkPtr& link, std::string_view handler,
                          Result<Encoded> argument, const CallOptions& options,
                          detail::CallCompletion done) {
  auto sink = std::make_unique<DetachedOutcome>(std::move(done));
  const auto started = [&]() -> Result<void> {
    if (auto valid = check_call(handler); valid.has_error()) return valid;
    if (argument.has_error()) return std::move(argument).error();
    const auto deadline = deadline_of(options);
    const std::lock_guard lock(engine_.mutex());
    auto connection = route(link, deadline.value_or(engine_.time_after(options_.call_timeout)));
    if (connection.has_error()) return std::move(connection).error();
    auto sent =
        (*connection)
            ->send_request({handler, DeliveryMode::with_response, std::move(*argument), deadline},
                           sink.get());
    if (sent.has_error()) return std::move(sent).error();
    if (!TurnScope::is_in_turn_of(*this)) flush_outputs();
    return {};
  }();
  if (started.has_value()) {
    sink.release();  // the connection completes it
  } else {
    on_outcome(*sink.release(), started.error());
  }
}

Result<MessageId> NodeCore::admit(const peers::PeerLinkPtr& link, std::string_view handler,
                                  Encoded argument) {
  if (auto valid = check_call(handler); valid.has_error()) return std::move(valid).error();
  const std::lock_guard lock(engine_.mutex());
  auto connection = route(link, engine_.time_after(options_.call_timeout));
  if (connection.has_error()) return std::move(connection).error();
  auto sent = (*connection)
                  ->send_request({handler, DeliveryMode::fire_and_forget, std::move(argument), {}},
                                 nullptr);
  if (sent.has_error()) return std::move(sent).error();
  const MessageId id = peers::message_id(instance_, incarnation_, (*connection)->number(), *sent);
  if (!TurnScope::is_in_turn_of(*this)) flush_outputs();
  return id;
}

Result<std::chrono::nanoseconds> NodeCore::ping(const peers::PeerLinkPtr& link,
                                                const CallOptions& options) {
  const TimePoint start = now();
  const auto deadline = deadline_of(options);
  auto outcome = wait_for_outcome([&](AwaitedOutcome& sink, Started& started) -> Result<void> {
    auto connection = route(link, deadline.value_or(engine_.time_after(options_.call_timeout)));
    if (connection.has_error()) return std::move(connection).error();
    auto sent = (*connection)->send_ping(sink, deadline);
    if (sent.has_error()) return std::move(sent).error();
    started = {(*connection)->shared_from_this(), *sent};
    return {};
  });
  if (outcome.has_error()) return with_target(std::move(outcome).error(), "ping", id_of(*link));
  return now() - start;
}

}  // namespace trestle
