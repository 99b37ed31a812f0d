// What an errno of a socket call means to the host.
#pragma once

#include <trestle/sdk/result.hpp>

#include <string>

namespace trestle::transport_kit {

/// The status that fits `os_errno`; TT_E_FAILED if none does.
tt_status status_of(int os_errno) noexcept;

/// "what: reason", with the status that fits.
sdk::Error socket_error(const std::string& what, int os_errno);

/// The operating system's words for `os_errno`.
std::string reason_of(int os_errno);

}  // namespace trestle::transport_kit
