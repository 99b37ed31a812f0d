// From errors to exit codes.
#include "exit_code.hpp"

namespace trestle::tools {

ExitCode exit_code_of(const Error& error) noexcept {
  if (error.code.category() != error_category()) return ExitCode::connection;
  switch (static_cast<Errc>(error.code.value())) {
    case Errc::handler_not_found:
    case Errc::kind_mismatch:
    case Errc::undecodable:
    case Errc::overloaded:
    case Errc::draining:
    case Errc::not_permitted:
    case Errc::handler_failed:
    case Errc::no_reply:
    case Errc::bad_reply:
      return ExitCode::refused;

    case Errc::invalid_argument:
    case Errc::reserved_name:
    case Errc::name_too_long:
    case Errc::handler_exists:
    case Errc::payload_too_large:
    case Errc::encode_failed:
    case Errc::unknown_scheme:
    case Errc::plugin_rejected:
    case Errc::bad_endpoint:
    case Errc::insecure_listener:
      return ExitCode::usage;

    case Errc::deadline_exceeded:
      return ExitCode::deadline;

    default:  // transports, handshakes and lost connections
      return ExitCode::connection;
  }
}

}  // namespace trestle::tools
