// Translating error numbers.
#include "ofi_error.hpp"

#include <rdma/fi_errno.h>
#include <trestle/transport_kit/socket_error.hpp>

namespace trestle::ofi {

tt_status status_of(int number) noexcept {
  switch (number) {
    case FI_ENODATA:
    case FI_ENOSYS:
    case FI_EOPNOTSUPP:
      return TT_E_UNSUPPORTED;
    case FI_ETRUNC:
      return TT_E_PROTOCOL;
    case FI_ENOTCONN:
    case FI_ESHUTDOWN:
    case FI_EIO:
      return TT_E_RESET;
    default:
      return transport_kit::status_of(number);
  }
}

std::string reason_of(int number) {
  return fi_strerror(number);
}

sdk::Error ofi_error(const std::string& what, int number) {
  const int os_errno = number < FI_ERRNO_OFFSET ? number : 0;
  return sdk::Error(status_of(number), what + ": " + reason_of(number), os_errno, number);
}

}  // namespace trestle::ofi
