// Calls that block until their outcome.
#include <utility>

#include "node/call_state.hpp"
#include "node/outgoing_calls.hpp"
#include "node/turn_scope.hpp"

namespace trestle {

Result<Encoded> OutgoingCalls::call(const CallTarget& target, Encoded&& argument) {
  // Made where it is returned, and the outcome is put right there: a move of it costs half as much
  // as a whole dispatch through a table of functions.
  Result<Encoded> outcome = Encoded{};
  if (TurnScope::is_in_any_turn()) {
    if (auto allowed = host_.may_wait_here(); allowed.has_error()) {
      outcome = std::move(allowed).error();
      return outcome;
    }
  }
  const dispatch::WorkerPool::BlockingGuard guard(pool_);
  if (guard.may_block()) {
    call_into(outcome, target, std::move(argument));
  } else {
    outcome = no_worker_left();
  }
  return outcome;
}

void OutgoingCalls::call_into(Result<Encoded>& outcome, const CallTarget& target,
                              Encoded&& argument) {
  peers::OutgoingRequest request;
  request.handler = target.handler;
  request.mode = target.mode;
  request.argument = std::move(argument);
  if (auto ready = prepare(target, request); ready.has_error()) {
    outcome = std::move(ready).error();
    return;
  }
  if (target.options.stop.stop_possible()) {
    outcome = call_until_stopped(target, std::move(request));
    return;
  }
  OutcomeWaiter waiter(leadership_, counts_, outcome);
  engine::Lock lock(engine_.mutex());
  ++counts_.started;
  // In the child of a fork connections look as good as they were.
  if (!host_.is_undriven()) waiter.place = peers::only_connection(*target.link);
  if (waiter.place == nullptr) {
    auto found = host_.route(*target.link, request.deadline.value_or(TimePoint::max()));
    if (found.has_error()) {
      outcome = count_failed(std::move(found).error());
      return;
    }
    waiter.place = *found;
  }
  const Patience patience{request.deadline, target.options.stop, options_.when_full};
  auto sent = must_wait_for_room(*waiter.place, request, patience)
                  ? send_when_room(lock, *waiter.place, request, &waiter, patience)
                  : waiter.place->send_request(std::move(request), &waiter);
  if (sent.has_error()) {
    host_.drop_spent(lock);
    outcome = count_failed(std::move(sent).error());
    return;
  }
  host_.flush_outputs();
  if (!host_.wait(lock, waiter)) {
    lock.lock();
    end_wait(waiter, *sent);
    lock.unlock();
  }
  if (outcome.has_error()) {
    outcome = with_target(std::move(outcome).error(), target.handler, id_of(*target.link));
  }
}

void OutgoingCalls::end_wait(OutcomeWaiter& waiter, wire::CallId call) {
  if (waiter.is_done()) return;
  waiter.place->abandon(call);
  waiter.outcome = count_failed(
      Error(Errc::would_block_for_ever,
            "nothing is left to do that could bring the outcome of this call", Ran::maybe));
}

Result<Encoded> OutgoingCalls::call_until_stopped(const CallTarget& target,
                                                  peers::OutgoingRequest&& request) {
  auto state = send_opened(target, std::move(request), options_.when_full);
  if (state.has_error()) return std::move(state).error();
  const detail::OpenCall dropped_if_refused(*state);
  return (*state)->await_outcome();
}

}  // namespace trestle
