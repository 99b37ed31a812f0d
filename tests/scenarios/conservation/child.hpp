// A process of this program in another role: started, watched, killed, never left behind.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace trestle::scenarios {

/// This program again, with other arguments. It dies with its parent.
class Child {
 public:
  explicit Child(const std::vector<std::string>& arguments);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  /// Kills it if it still runs.
  ~Child();

  /// The next line of its standard output; empty if it ends before.
  std::string read_line();
  /// At once, in the middle of whatever it does.
  void kill();
  /// Closes its standard input, and waits for its end: the exit status, 128 + N for a signal N.
  int wait();
  /// Readable once it has ended.
  int descriptor() const noexcept { return pid_descriptor_; }

 private:
  void drop_pipes();

  pid_t id_ = -1;
  int pid_descriptor_ = -1;
  int input_ = -1;
  int output_ = -1;
};

}  // namespace trestle::scenarios
