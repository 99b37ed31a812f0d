// What an error number of libfabric means to the host.
#pragma once

#include <trestle/sdk/result.hpp>

#include <string>

namespace trestle::ofi {

/// The status that fits the positive `number`, an errno or one of libfabric's own.
tt_status status_of(int number) noexcept;

/// libfabric's words for it.
std::string reason_of(int number);

/// "what: reason", with the status that fits.
sdk::Error ofi_error(const std::string& what, int number);

}  // namespace trestle::ofi
