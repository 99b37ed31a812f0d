// The public faces of calls under way.
#include <trestle/detail/open_call.hpp>

#include "node/call_state.hpp"

namespace trestle::detail {
namespace {

Error over() {
  return Error(Errc::invalid_argument,
               "this call is over: it was moved from, or its outcome was taken already");
}

}  // namespace

bool CallCanceller::cancel(Scope scope) const {
  return call_ != nullptr && call_->cancel(scope);
}

CallCanceller OpenCall::canceller() const noexcept {
  return CallCanceller(state_);
}

OpenCall& OpenCall::operator=(OpenCall&& other) noexcept {
  OpenCall old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

OpenCall::~OpenCall() {
  if (state_ != nullptr) state_->drop();
}

MessageId OpenCall::message_id() const noexcept {
  return state_ != nullptr ? state_->message_id() : MessageId();
}

Result<HandlerContract> OpenCall::wait_accepted() {
  if (state_ == nullptr) return over();
  return state_->wait_accepted();
}

Result<Encoded> OpenCall::wait_outcome() {
  if (state_ == nullptr) return over();
  const OpenCall ending(std::move(*this));  // frees the slot if the wait is refused
  return ending.state_->wait_outcome();
}

void OpenCall::on_accepted(AcceptedCompletion done) {
  if (state_ == nullptr) return done(over());
  state_->on_accepted(std::move(done));
}

void OpenCall::on_outcome(CallCompletion done) {
  if (state_ == nullptr) return done(over());
  std::exchange(state_, nullptr)->on_outcome(std::move(done));
}

}  // namespace trestle::detail
