// Errors of the transport SDK: a status of the C ABI with the text that a person reads.
#pragma once

#include <trestle/thin_transport.h>

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace trestle::sdk {

/// Why a cold call (open, listen, connect) failed. The text names what failed, on what, and why.
struct Error {
  tt_status code = TT_E_FAILED;  ///< one of TT_E_*
  std::string text;              ///< what failed, on what, and why
  int os_errno = 0;              ///< errno, or 0
  int native = 0;                ///< the underlying library's own code, or 0

  // Not an aggregate: those convert from their first member's type, which would make
  // Result<int> ambiguous.
  Error() = default;
  /// Of all that is known.
  Error(tt_status status, std::string what, int os_error = 0, int library_error = 0)
      : code(status), text(std::move(what)), os_errno(os_error), native(library_error) {}
};

/// What `Result::value()` throws when there is no value.
class BadResult : public std::runtime_error {
 public:
  /// Of the error that was there instead.
  explicit BadResult(const Error& error) : std::runtime_error(error.text) {}
};

/// For boost::system::result: throws BadResult.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  throw BadResult(error);
}

/// A value, or an Error.
template <class T = void>
using Result = boost::system::result<T, Error>;

}  // namespace trestle::sdk
