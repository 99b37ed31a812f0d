// The rules of delivery modes and kinds of handlers.
#include "dispatch/handler_fit.hpp"

namespace trestle::dispatch {
namespace {

Error mismatch(DeliveryMode mode, const Handler& handler) {
  const std::string_view expected = mode == DeliveryMode::confirmed ? "ack" : "unary";
  return Error(Errc::kind_mismatch, "Handler type mismatch: client expects '" +
                                        std::string(expected) + "' but handler '" + handler.name +
                                        "' is '" + std::string(to_string(handler.kind)) + "'");
}

Result<void> check_receipt(const wire::Request& request, const Handler& handler) {
  using Response = Expectation::Response;
  const bool wants_response = has_response(request.mode);
  Expectation expected{request.expected_response.value_or(Response::none),
                       std::string(request.expected_type)};
  if (wants_response && expected.response == Response::none) expected.response = Response::bytes;
  const HandlerContract contract = handler.contract();
  if (auto fits = check_expectation(expected, contract); fits.has_error()) return fits;
  // The mode, too, says whether there will be a response.
  return check_expectation({wants_response ? Response::bytes : Response::none, {}}, contract);
}

}  // namespace

Result<void> check_fit(const wire::Request& request, const Handler& handler) {
  if (has_receipt(request.mode)) return check_receipt(request, handler);
  if (fits(request.mode, handler.kind)) return {};
  return mismatch(request.mode, handler);
}

Result<void> check_payload(const Handler& handler, Codec codec, BytesView payload) {
  if (handler.check == nullptr) return {};
  auto checked = handler.check(codec, payload);
  if (checked.has_value()) return {};
  return Error(Errc::undecodable, "Failed to deserialize input: " + checked.error().text, Ran::no);
}

}  // namespace trestle::dispatch
