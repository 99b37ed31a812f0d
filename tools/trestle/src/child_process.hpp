// Running untrusted work in a process of its own.
#pragma once

#include <trestle/error.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace trestle::tools {

/// Runs `work` in a fork of this process and returns what it returned. Its standard output goes to
/// standard error, so that it cannot spoil the tool's. The calling process must have one thread.
/// Errors: transport_failed: it crashed, ended the process, or was still running after `timeout`
/// (it is killed then); the text says which.
Result<std::string> run_in_child(const std::function<std::string()>& work,
                                 std::chrono::milliseconds timeout);

}  // namespace trestle::tools
