// Options that are durations with a unit, such as --timeout 300ms.
#pragma once

#include <CLI/CLI.hpp>

#include <chrono>
#include <string>

namespace trestle::tools {

/// Adds an option that takes "300ms", "2s" and the like (ns, us, ms, s) into `value`; its help
/// shows `shown` as the default. Anything else, or nothing at all, is a usage error.
CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::nanoseconds& value,
                          const std::string& help, const std::string& shown);

/// A duration as people read it: "870 ns", "34.2 us", "1.50 ms", "2.000 s".
std::string to_text(std::chrono::nanoseconds duration);

}  // namespace trestle::tools
