// Translating errno.
#include <trestle/transport_kit/socket_error.hpp>

#include <cerrno>
#include <system_error>

namespace trestle::transport_kit {

tt_status status_of(int os_errno) noexcept {
  switch (os_errno) {
    case ECONNREFUSED:
    case ENOENT:  // a unix path where nobody ever listened
    case EAGAIN:  // connecting to a unix listener whose queue is full
      return TT_E_REFUSED;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      return TT_E_RESET;
    case ETIMEDOUT:
      return TT_E_TIMEDOUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return TT_E_UNREACHABLE;
    case EADDRINUSE:
      return TT_E_ADDRINUSE;
    case EACCES:
    case EPERM:
      return TT_E_DENIED;
    case ENOMEM:
    case ENOBUFS:
      return TT_E_NOMEM;
    default:
      return TT_E_FAILED;
  }
}

std::string reason_of(int os_errno) {
  return std::generic_category().message(os_errno);
}

sdk::Error socket_error(const std::string& what, int os_errno) {
  return sdk::Error(status_of(os_errno), what + ": " + reason_of(os_errno), os_errno);
}

}  // namespace trestle::transport_kit
