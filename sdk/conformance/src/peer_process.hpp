// A second process with a transport of its own, to be killed, stopped or left to itself.
#pragma once

#include <sys/types.h>
#include <trestle/conformance/check.hpp>

#include <string>

namespace trestle::conformance {

/// What the process does with its transport.
enum class PeerRole : char {
  echo = 'e',   ///< listens, and sends back what it gets
  chat = 'c',   ///< connects, sends one packet, and keeps the connection
  leave = 'l',  ///< connects to itself, sends, and ends without closing anything
};

/// Forks at once and waits for its role, so that the fork comes before any thread of the plugin.
/// Lifetime: the process is killed with this object, or with the process that made it.
class PeerProcess {
 public:
  explicit PeerProcess(const Subject& subject);
  ~PeerProcess();
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  /// Gives it its role, at `uri`. Returns the listener's URI, or what it connected to.
  /// Errors: Failed, with what went wrong over there.
  std::string begin(PeerRole role, const std::string& uri);

  /// SIGKILL; returns when the process is gone.
  void kill();
  void stop();
  void resume();
  /// Waits for the process to end by itself; returns how, in words: "exit status 0".
  std::string wait_for_end();

 private:
  void signal(int number) const;

  const std::chrono::seconds patience_;
  pid_t pid_ = -1;
  int channel_ = -1;
};

}  // namespace trestle::conformance
