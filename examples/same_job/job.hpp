// One job done twice, over Trestle and over plain libzmq, to compare the code: named handlers of
// which one is slow, and calls with a deadline that end in one outcome.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace same_job {

/// Serves at a free port until the process ends: `double` doubles a number, `sleep` takes so many
/// milliseconds, beside which others are served, `die` ends the process. Tells where it listens.
void serve(const std::function<void(const std::string& uri)>& tell);

/// Calls a server, from one thread.
class Client {
 public:
  virtual ~Client() = default;

  /// The reply, "no such handler", "deadline", or "server lost", as soon as that is known. Never
  /// the reply to an earlier call.
  virtual std::string call(const std::string& handler, int number,
                           std::chrono::milliseconds deadline) = 0;
};

std::unique_ptr<Client> connect(const std::string& uri);

}  // namespace same_job
