// A `trestle serve` of one's own, in a child process.
#pragma once

#include <trestle/error.hpp>

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace trestle::tools {

/// Serves for as long as it lives; then it is told to end, and waited for.
class ServerProcess {
 public:
  /// Starts this program as `trestle serve ARGUMENTS...`, which must print where it listens.
  /// Errors: transport_failed, with what kept the server from listening.
  static Result<ServerProcess> start(const std::vector<std::string>& arguments);

  ServerProcess(ServerProcess&& other) noexcept
      : id_(std::exchange(other.id_, -1)),
        output_(std::exchange(other.output_, -1)),
        uri_(std::move(other.uri_)) {}
  ServerProcess& operator=(ServerProcess&&) = delete;
  ~ServerProcess();

  const std::string& uri() const noexcept { return uri_; }

 private:
  ServerProcess(pid_t id, int output) noexcept : id_(id), output_(output) {}

  pid_t id_;
  int output_;
  std::string uri_;
};

}  // namespace trestle::tools
