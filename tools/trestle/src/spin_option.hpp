// The option --spin.
#pragma once

#include <trestle/node.hpp>

#include <CLI/CLI.hpp>

#include <string>

namespace trestle::tools {

/// Adds --spin auto|on|off into `spin`.
void add_spin(CLI::App& app, Spin& spin);

/// "auto", "on" or "off".
std::string to_string(Spin spin);

}  // namespace trestle::tools
