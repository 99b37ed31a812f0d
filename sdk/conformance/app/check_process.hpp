// A check in a process of its own: whatever it does, the program that started it lives on.
#pragma once

#include <sys/types.h>
#include <trestle/conformance/check.hpp>

#include <chrono>
#include <functional>

namespace trestle::conformance {

/// Threads: one; no other may run in this process. Lifetime: kills what still runs.
class CheckProcess {
 public:
  /// Forks at once.
  explicit CheckProcess(const std::function<Outcome()>& body);
  ~CheckProcess();
  CheckProcess(const CheckProcess&) = delete;
  CheckProcess& operator=(const CheckProcess&) = delete;

  /// Readable once the process has ended.
  int ended_fd() const { return ended_; }
  std::chrono::steady_clock::time_point started() const { return started_; }

  /// Waits for the process, which has ended.
  Outcome take_outcome();
  /// Kills it with all that it started.
  Outcome time_out(std::chrono::seconds bound);
  /// Waits until it has ended; kills it if that takes longer than `bound`.
  Outcome wait_for_outcome(std::chrono::seconds bound);

 private:
  [[noreturn]] void run_in_child(const std::function<Outcome()>& body) const;
  void kill();
  Outcome broken(const std::string& happened) const;

  const std::chrono::steady_clock::time_point started_;
  int result_ = -1;  ///< memory that both processes see: the outcome
  int output_ = -1;  ///< what the process wrote to standard output and standard error
  pid_t pid_ = -1;
  int ended_ = -1;
};

}  // namespace trestle::conformance
