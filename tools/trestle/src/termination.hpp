// Waiting for the signals that ask a program to end.
#pragma once

#include <csignal>

namespace trestle::tools {

/// Blocks SIGINT and SIGTERM in this thread and those that it starts from now on.
class Termination {
 public:
  Termination();
  ~Termination();
  Termination(const Termination&) = delete;
  Termination& operator=(const Termination&) = delete;

  /// Returns when one of the two has arrived. From then on another one ends the process at once,
  /// so that nobody has to wait for a drain.
  void wait();

  /// Lets wait() return, without a signal from outside. Threads: any.
  static void request();

 private:
  sigset_t signals_;
  sigset_t before_;
};

}  // namespace trestle::tools
