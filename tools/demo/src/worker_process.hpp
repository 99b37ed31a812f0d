// A worker in a process of its own, started and ended by the leader.
#pragma once

#include <trestle/error.hpp>

#include <sys/types.h>

#include <chrono>
#include <string>

namespace trestle::demo {

/// Owns the process: its destructor ends it, by force if need be.
class WorkerProcess {
 public:
  /// Runs this very program as a worker that listens at `uri`, and waits until it says where.
  /// Errors: transport_failed: it could not be started, ended, or said nothing for 10 s.
  static Result<WorkerProcess> start(const std::string& uri);

  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  WorkerProcess& operator=(WorkerProcess&&) = delete;
  ~WorkerProcess();

  pid_t id() const noexcept { return id_; }
  /// Where it listens.
  const std::string& uri() const noexcept { return uri_; }

  /// Asks it to end, and waits at most 10 s before it is killed.
  /// Errors: transport_failed: it had to be killed, or did not exit with 0.
  Result<void> end();

 private:
  WorkerProcess(pid_t id, int input, int output) : id_(id), input_(input), output_(output) {}

  Result<void> read_uri();

  pid_t id_ = -1;
  int input_ = -1;   ///< the worker's standard input; closing it asks the worker to end
  int output_ = -1;  ///< the worker's standard output
  std::string uri_;
};

}  // namespace trestle::demo
