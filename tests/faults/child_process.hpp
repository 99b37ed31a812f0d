// A child of the test, which alone is ever stopped or killed.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace trestle::faults {

/// Runs a program until it is killed, or this object ends. Its standard input stays open as long,
/// so that it ends by itself if the test dies. Threads: one.
class ChildProcess {
 public:
  /// `arguments` begin with the program's path.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// The next line that it writes; empty if none comes in time.
  std::string read_line(std::chrono::milliseconds at_most);
  /// Sends a signal to it, unless it was waited for.
  void signal(int number) const;
  /// Ends its standard input, and waits until it is gone: its exit status, or -1 if it was killed.
  int end();
  /// As `kill -9`, and waits until it is gone.
  void kill();

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace trestle::faults
