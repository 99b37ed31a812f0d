// How a call that nobody blocks for goes on and ends.
#include "node/call_state.hpp"

#include <utility>

#include "node/outgoing_calls.hpp"

namespace trestle::detail {

std::shared_ptr<CallState> CallState::make(OutgoingCalls& calls, const peers::PeerLinkPtr& link,
                                           std::string_view handler) {
  // One per call, so its memory is recycled.
  return std::allocate_shared<CallState>(memory::BlockAllocator<CallState>(), calls, link, handler);
}

void CallState::begin(CallCompletion done) {
  done_ = std::move(done);
  self_ = shared_from_this();
  ++calls_.unattended_;
}

void CallState::sent(peers::Connection* connection, std::uint64_t origin, wire::CallId id) {
  origin_ = origin;
  id_ = id;
  // It may have ended, or moved on, while its maker waited for room.
  if (!is_over() && connection_ == nullptr) connection_ = connection;
}

std::shared_ptr<CallState> CallState::release() noexcept {
  connection_ = nullptr;
  if (self_ != nullptr) --calls_.unattended_;
  return std::move(self_);
}

void CallState::end_with(const std::stop_token& stop) {
  if (stop.stop_possible()) stop_.emplace(stop, CancelIfAlive{weak_from_this()});
}

void CallState::accepted(HandlerContract contract) noexcept {
  if (acceptance_.has_value()) return;
  acceptance_.emplace(std::move(contract));
  if (awaited_ == Awaited::acceptance) wake();
  if (accepted_done_) calls_.host_.complete_soon(shared_from_this());
}

void CallState::complete(Result<Encoded>&& outcome) noexcept {
  calls_.counts_.end(outcome);
  if (outcome.has_error()) {
    outcome_.emplace(with_target(std::move(outcome).error(), handler_, link_->instance));
  } else {
    outcome_.emplace(std::move(outcome));
  }
  settle_acceptance();
  auto self = release();
  wake();
  const bool has_taker = done_ || accepted_done_;
  // After the last turn, whoever asks runs them.
  if (has_taker && !calls_.host_.is_undriven()) calls_.host_.complete_soon(std::move(self));
}

void CallState::wake() noexcept {
  if (waiter_ == nullptr) return;
  awaited_ = Awaited::nothing;
  calls_.leadership_.finish(*std::exchange(waiter_, nullptr));
}

Result<HandlerContract> CallState::acceptance() const {
  if (acceptance_) return *acceptance_;
  if (outcome_->has_error()) return outcome_->error();
  return HandlerContract{};
}

void CallState::settle_acceptance() {
  if (accepted_done_ && is_over() && !acceptance_) acceptance_.emplace(acceptance());
}

void CallState::deliver() noexcept {
  AcceptedCompletion accepted_done;
  CallCompletion done;
  Result<HandlerContract> contract = HandlerContract{};
  Result<Encoded> outcome = Encoded{};
  {
    const engine::Lock lock(calls_.engine_.mutex());
    if (accepted_done_ && has_acceptance()) {
      accepted_done = std::move(accepted_done_);
      contract = acceptance();
    }
    if (done_ && is_over()) {
      done = std::move(done_);
      outcome = std::move(*outcome_);
    }
  }
  // Each has to know, whatever the other does.
  if (accepted_done) run_completion(calls_.host_, [&] { accepted_done(std::move(contract)); });
  if (done) run_completion(calls_.host_, [&] { done(std::move(outcome)); });
}

void CallState::deliver_soon(engine::Lock& lock) {
  if (calls_.host_.is_undriven()) {
    lock.unlock();
    return deliver();
  }
  calls_.host_.complete_soon(shared_from_this());
  calls_.leadership_.ensure_led();
}

// ---- Of its OpenCall and its cancellers ----

MessageId CallState::message_id() const noexcept {
  return MessageId::from_halves(origin_, id_.value);
}

Result<void> CallState::wait(engine::Lock& lock, Awaited what) {
  engine::Waiter waiter;
  waiter_ = &waiter;
  awaited_ = what;
  calls_.host_.flush_all();
  const bool done = calls_.host_.wait(lock, waiter);
  lock.lock();
  waiter_ = nullptr;
  awaited_ = Awaited::nothing;
  if (done) return {};
  return Error(Errc::would_block_for_ever,
               "nothing is left to do that could bring the outcome of this call", Ran::maybe);
}

Result<HandlerContract> CallState::wait_accepted() {
  {
    const engine::Lock lock(calls_.engine_.mutex());
    if (has_acceptance()) return acceptance();
  }
  if (auto allowed = calls_.host_.may_wait_here(); allowed.has_error()) {
    return std::move(allowed).error();
  }
  const dispatch::WorkerPool::BlockingGuard guard(calls_.pool_);
  if (!guard.may_block()) return no_worker_left();
  engine::Lock lock(calls_.engine_.mutex());
  if (!has_acceptance()) {
    if (auto ended = wait(lock, Awaited::acceptance); ended.has_error()) {
      return std::move(ended).error();
    }
  }
  return acceptance();
}

Result<Encoded> CallState::wait_outcome() {
  {
    const engine::Lock lock(calls_.engine_.mutex());
    if (is_over()) return std::move(*outcome_);
  }
  if (auto allowed = calls_.host_.may_wait_here(); allowed.has_error()) {
    return std::move(allowed).error();
  }
  const dispatch::WorkerPool::BlockingGuard guard(calls_.pool_);
  if (!guard.may_block()) return no_worker_left();
  return await_outcome();
}

Result<Encoded> CallState::await_outcome() {
  engine::Lock lock(calls_.engine_.mutex());
  if (!is_over()) {
    if (auto ended = wait(lock, Awaited::outcome); ended.has_error()) {
      return std::move(ended).error();
    }
  }
  return std::move(*outcome_);
}

void CallState::on_accepted(AcceptedCompletion done) {
  engine::Lock lock(calls_.engine_.mutex());
  if (accepted_done_) {
    lock.unlock();
    return done(Error(Errc::invalid_argument,
                      "another completion waits for the acceptance of this call already"));
  }
  accepted_done_ = std::move(done);
  settle_acceptance();
  if (has_acceptance()) deliver_soon(lock);
}

void CallState::on_outcome(CallCompletion done) {
  engine::Lock lock(calls_.engine_.mutex());
  done_ = std::move(done);
  if (is_over()) deliver_soon(lock);
}

bool CallState::cancel(CallCanceller::Scope scope) {
  engine::Lock lock(calls_.engine_.mutex());
  if (connection_ == nullptr) return false;
  const bool cancelled = connection_->cancel(id_, scope);
  calls_.settle(lock);
  return cancelled;
}

void CallState::drop() noexcept {
  engine::Lock lock(calls_.engine_.mutex());
  if (is_over()) return;
  if (connection_ != nullptr) connection_->forget(id_);
  const auto self = release();
  if (accepted_done_ && !acceptance_) {
    acceptance_.emplace(
        Error(Errc::cancelled, "the call was dropped before it was accepted", Ran::maybe));
    if (!calls_.host_.is_undriven()) calls_.host_.complete_soon(self);
  }
  calls_.settle(lock);
  lock.unlock();  // before self, which may be the last one
}

}  // namespace trestle::detail
