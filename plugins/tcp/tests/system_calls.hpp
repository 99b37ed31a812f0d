// How often the plugin asks the kernel: replaces the socket calls of this executable.
#pragma once

namespace trestle::tcp::testing {

/// Since the start of the program.
struct SystemCalls {
  int reads = 0;
  int writes = 0;
  int epoll_waits = 0;
};

SystemCalls system_calls() noexcept;

}  // namespace trestle::tcp::testing
