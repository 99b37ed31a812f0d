// Names of the status codes, for people.
#include "failure.hpp"

#include <array>

namespace trestle::conformance {

std::string name_of_status(tt_status status) {
  constexpr std::array<const char*, 18> error_names = {
      "TT_OK",        "TT_E_FAILED",      "TT_E_AGAIN",    "TT_E_INVALID",
      "TT_E_NOMEM",   "TT_E_UNSUPPORTED", "TT_E_ADDR",     "TT_E_ADDRINUSE",
      "TT_E_REFUSED", "TT_E_UNREACHABLE", "TT_E_TIMEDOUT", "TT_E_CLOSED",
      "TT_E_RESET",   "TT_E_TOOBIG",      "TT_E_PROTOCOL", "TT_E_DENIED",
      "TT_E_BUSY",    "TT_E_VERSION"};
  const std::string number = " (" + std::to_string(status) + ")";
  if (status == TT_PENDING) return "TT_PENDING" + number;
  if (status > 0 || status <= -static_cast<tt_status>(error_names.size())) {
    return "an unknown status" + number;
  }
  return error_names[static_cast<std::size_t>(-status)] + number;
}

}  // namespace trestle::conformance
