// How the tool ends: a few numbers that scripts can rely on.
#pragma once

#include <trestle/error.hpp>

namespace trestle::tools {

enum class ExitCode : int {
  success = 0,     ///< a reply, or admitted where none was wanted
  refused = 1,     ///< the peer said no, or its handler failed
  usage = 2,       ///< the command line, the JSON or the endpoint is wrong, or has no plugin
  connection = 3,  ///< cannot connect, cannot listen, or the connection was lost
  deadline = 4,    ///< no outcome in time
};

/// Which of them stands for `error`.
ExitCode exit_code_of(const Error& error) noexcept;

/// The lines about exit codes at the end of a verb's help.
inline constexpr const char* exit_codes_help =
    "Exit codes: 0 done, 1 refused by the peer, 2 usage, bad JSON or unusable endpoint,\n"
    "            3 cannot connect or connection lost, 4 deadline.\n";

}  // namespace trestle::tools
