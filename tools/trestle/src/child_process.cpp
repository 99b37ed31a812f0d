// Fork, a pipe for the result, a deadline.
#include "child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>

namespace trestle::tools {
namespace {

using SteadyClock = std::chrono::steady_clock;

/// Ends a result; without it the child ended before its work did.
constexpr char complete = '.';

Error system_failure(std::string_view call) {
  return Error(Errc::transport_failed,
               std::string(call) + ": " + std::generic_category().message(errno));
}

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

[[noreturn]] void run_as_child(const std::function<std::string()>& work, int result) {
  dup2(STDERR_FILENO, STDOUT_FILENO);
  write_all(result, work() + complete);
  _exit(0);  // no destructors: they belong to the parent
}

enum class Reading { ended, timed_out };

/// Appends what arrives to `into` until the writer ends or `deadline` passes.
Reading read_until(int descriptor, SteadyClock::time_point deadline, std::string& into) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) return Reading::timed_out;
    pollfd readable{descriptor, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(left)) <= 0) continue;
    std::array<char, 4096> chunk;
    const ssize_t got = read(descriptor, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Reading::ended;
    into.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    return "crashed with signal " + std::to_string(WTERMSIG(status)) + " (" +
           strsignal(WTERMSIG(status)) + ')';
  }
  return "ended the process with status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Result<std::string> run_in_child(const std::function<std::string()>& work,
                                 std::chrono::milliseconds timeout) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("pipe");
  const auto [read_end, write_end] = ends;
  const pid_t child = fork();
  if (child == 0) run_as_child(work, write_end);
  close(write_end);
  std::string result;
  auto reading = Reading::ended;
  Error failure = system_failure("fork");
  if (child > 0) {
    reading = read_until(read_end, SteadyClock::now() + timeout, result);
    if (reading == Reading::timed_out) kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    failure = Error(Errc::transport_failed,
                    reading == Reading::timed_out
                        ? "did not end within " + std::to_string(timeout.count()) + " ms"
                        : how_it_ended(status));
  }
  close(read_end);
  if (reading == Reading::timed_out || result.empty() || result.back() != complete) return failure;
  result.pop_back();
  return result;
}

}  // namespace trestle::tools
