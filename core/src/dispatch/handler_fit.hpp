// Whether a request and a handler fit.
#pragma once

#include <trestle/handler.hpp>

#include "wire/frame.hpp"

namespace trestle::dispatch {

constexpr bool has_receipt(DeliveryMode mode) noexcept {
  return mode == DeliveryMode::with_receipt_ack || mode == DeliveryMode::with_receipt_and_response;
}
constexpr bool has_response(DeliveryMode mode) noexcept {
  return mode == DeliveryMode::with_response || mode == DeliveryMode::with_receipt_and_response;
}

/// Whether a message of a mode without a receipt may run a handler of that kind. Modes with one
/// never fit by their kind alone.
constexpr bool fits(DeliveryMode mode, HandlerKind kind) noexcept {
  return mode == DeliveryMode::fire_and_forget ||
         (mode == DeliveryMode::with_response && kind == HandlerKind::unary) ||
         (mode == DeliveryMode::confirmed && kind != HandlerKind::am);
}

/// Whether a request of that delivery mode, and with that expectation, may run the handler.
/// Errors: kind_mismatch naming both sides.
Result<void> check_fit(const wire::Request& request, const Handler& handler);

/// Whether the handler can take the payload. Runs code of the payload's type: call it without a
/// lock. Errors: undecodable.
Result<void> check_payload(const Handler& handler, Codec codec, BytesView payload);

}  // namespace trestle::dispatch
