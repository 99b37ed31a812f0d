// Contracts of handlers: their text, and whether they are what a sender expects.
#include <trestle/contract.hpp>

namespace trestle {
namespace {

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string_view yes_or_no(bool value) {
  return value ? "true" : "false";
}

}  // namespace

std::string_view to_string(HandlerKind kind) noexcept {
  switch (kind) {
    case HandlerKind::am:
      return "am";
    case HandlerKind::ack:
      return "ack";
    case HandlerKind::unary:
      return "unary";
  }
  return "unknown";
}

std::optional<HandlerKind> parse_handler_kind(std::string_view name) noexcept {
  for (const auto kind : {HandlerKind::am, HandlerKind::ack, HandlerKind::unary}) {
    if (name == to_string(kind)) return kind;
  }
  return std::nullopt;
}

std::string to_string(const HandlerContract& contract) {
  std::string text(to_string(contract.kind));
  text += '(' + contract.request_type + ')';
  if (!contract.response_type.empty()) text += " -> " + contract.response_type;
  return text;
}

Result<void> check_expectation(const Expectation& expected, const HandlerContract& contract) {
  const bool wanted = expected.response != Expectation::Response::none;
  const bool given = contract.kind == HandlerKind::unary;
  if (wanted != given) {
    return Error(
        Errc::kind_mismatch,
        "Response expectation mismatch: client expects response=" + std::string(yes_or_no(wanted)) +
            ", handler provides response=" + std::string(yes_or_no(given)));
  }
  if (expected.response == Expectation::Response::typed &&
      expected.response_type != contract.response_type) {
    return Error(Errc::kind_mismatch,
                 "Response type mismatch: client expects " + in_quotes(expected.response_type) +
                     ", handler provides " + in_quotes(contract.response_type));
  }
  return {};
}

}  // namespace trestle
