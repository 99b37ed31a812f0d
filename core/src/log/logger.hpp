// Where a node's log lines go.
#pragma once

#include <trestle/node.hpp>

#include <string>
#include <string_view>

namespace trestle::log {

/// Text that a peer chose, safe for a terminal and a log: control characters escaped, cut to
/// `bytes_max`.
std::string printable(std::string_view text, std::size_t bytes_max = 200);

/// The log function of a node that was given none: spdlog to standard error, warnings and errors.
LogFunction standard_error_log();

}  // namespace trestle::log
