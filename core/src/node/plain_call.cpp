// How a call that has a completion and nothing else ends.
#include "node/plain_call.hpp"

#include <memory>
#include <utility>

#include "node/outgoing_calls.hpp"

namespace trestle::detail {

void PlainCall::complete(Result<Encoded>&& outcome) noexcept {
  std::unique_ptr<PlainCall> self(this);
  calls_.counts_.end(outcome);
  settle(std::move(outcome));
  --calls_.unattended_;
  if (!calls_.host_.is_undriven()) calls_.host_.complete_soon(std::move(self));
}

void PlainCall::settle(Result<Encoded>&& outcome) noexcept {
  if (outcome.has_error()) {
    outcome_.emplace(with_target(std::move(outcome).error(), handler_, link_->instance));
  } else {
    outcome_.emplace(std::move(outcome));
  }
}

void PlainCall::deliver() noexcept {
  run_completion(calls_.host_, [this] { done_(*std::move(outcome_)); });
}

}  // namespace trestle::detail
