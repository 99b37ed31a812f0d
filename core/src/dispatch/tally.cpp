// From codes of errors to reasons, and out to the application.
#include "dispatch/tally.hpp"

namespace trestle::dispatch {

Refusal refusal_of(const Error& error) noexcept {
  if (error.code.category() != error_category()) return Refusal::invalid;
  switch (static_cast<Errc>(error.code.value())) {
    case Errc::handler_not_found:
      return Refusal::unknown_handler;
    case Errc::kind_mismatch:
      return Refusal::kind_mismatch;
    case Errc::undecodable:
      return Refusal::undecodable;
    case Errc::overloaded:
      return Refusal::overloaded;
    case Errc::draining:
      return Refusal::draining;
    case Errc::deadline_exceeded:
      return Refusal::deadline_passed;
    case Errc::cancelled:
      return Refusal::cancelled;
    case Errc::not_permitted:
      return Refusal::not_permitted;
    default:
      return Refusal::invalid;
  }
}

RefusalCounts Tally::refusals() const noexcept {
  const auto of = [this](Refusal why) {
    return refused_[static_cast<std::size_t>(why)].load(std::memory_order_relaxed);
  };
  return {.unknown_handler = of(Refusal::unknown_handler),
          .kind_mismatch = of(Refusal::kind_mismatch),
          .undecodable = of(Refusal::undecodable),
          .invalid = of(Refusal::invalid),
          .overloaded = of(Refusal::overloaded),
          .draining = of(Refusal::draining),
          .deadline_passed = of(Refusal::deadline_passed),
          .cancelled = of(Refusal::cancelled),
          .not_permitted = of(Refusal::not_permitted)};
}

}  // namespace trestle::dispatch
