// The verbs of the tool. Each declares its options and, when chosen, runs and sets the exit code.
#pragma once

#include "exit_code.hpp"

#include <CLI/CLI.hpp>

namespace trestle::tools {

void add_serve(CLI::App& app, ExitCode& outcome);
void add_call(CLI::App& app, ExitCode& outcome);
void add_ping(CLI::App& app, ExitCode& outcome);
void add_bench(CLI::App& app, ExitCode& outcome);
void add_health(CLI::App& app, ExitCode& outcome);
void add_handlers(CLI::App& app, ExitCode& outcome);
void add_wait(CLI::App& app, ExitCode& outcome);
void add_stats(CLI::App& app, ExitCode& outcome);
void add_shutdown(CLI::App& app, ExitCode& outcome);
void add_explain(CLI::App& app, ExitCode& outcome);
void add_plugins(CLI::App& app, ExitCode& outcome);
void add_fabrics(CLI::App& app, ExitCode& outcome);
void add_new_transport(CLI::App& app, ExitCode& outcome);

}  // namespace trestle::tools
