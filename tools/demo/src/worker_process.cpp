// Starting a worker process, hearing where it listens, and ending it.
#include "worker_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace trestle::demo {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(10);

Error failure(const std::string& what) {
  return Error(Errc::transport_failed, what + ": " + std::generic_category().message(errno));
}

void close_if_open(int& descriptor) {
  if (descriptor >= 0) close(std::exchange(descriptor, -1));
}

/// Waits for input, or for the end of it.
bool becomes_ready(int descriptor, SteadyClock::time_point deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{descriptor, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

[[noreturn]] void become_worker(const std::string& uri, int input, int output) {
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  execl("/proc/self/exe", "trestle-demo", "--worker", uri.c_str(), nullptr);
  _exit(127);
}

}  // namespace

Result<WorkerProcess> WorkerProcess::start(const std::string& uri) {
  // Closed on exec, or the workers would hold one another's pipes open.
  std::array<int, 2> input{-1, -1};
  std::array<int, 2> output{-1, -1};
  if (pipe2(input.data(), O_CLOEXEC) != 0) return failure("pipe");
  if (pipe2(output.data(), O_CLOEXEC) != 0) {
    const Error error = failure("pipe");
    for (int& end : input) close_if_open(end);
    return error;
  }
  const pid_t id = fork();
  if (id == 0) become_worker(uri, input[0], output[1]);
  const Error fork_failed = failure("fork");
  close_if_open(input[0]);
  close_if_open(output[1]);
  WorkerProcess worker(id, input[1], output[0]);
  if (id < 0) return fork_failed;
  if (auto said = worker.read_uri(); said.has_error()) return said.error();
  return worker;
}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      uri_(std::move(other.uri_)) {}

WorkerProcess::~WorkerProcess() {
  (void)end();  // whoever wants to know how it ended has called end()
}

Result<void> WorkerProcess::read_uri() {
  const auto deadline = SteadyClock::now() + patience;
  char byte = 0;
  while (becomes_ready(output_, deadline)) {
    if (read(output_, &byte, 1) != 1) {
      return Error(Errc::transport_failed, "a worker process ended before it listened");
    }
    if (byte == '\n') return {};
    uri_ += byte;
  }
  return Error(Errc::transport_failed, "a worker process did not say within 10 s where it listens");
}

Result<void> WorkerProcess::end() {
  close_if_open(input_);
  if (id_ < 0) return {};
  const pid_t id = std::exchange(id_, -1);
  // A worker prints one line; what comes after it is the end of its output, which comes with its
  // own.
  const bool in_time = becomes_ready(output_, SteadyClock::now() + patience);
  close_if_open(output_);
  if (!in_time) kill(id, SIGKILL);
  int status = 0;
  while (waitpid(id, &status, 0) < 0 && errno == EINTR) {
  }
  const std::string who = "worker process " + std::to_string(id);
  if (!in_time) return Error(Errc::transport_failed, who + " had to be killed");
  if (status == 0) return {};
  return Error(Errc::transport_failed,
               WIFSIGNALED(status)
                   ? who + " was ended by signal " + std::to_string(WTERMSIG(status))
                   : who + " exited with " + std::to_string(WEXITSTATUS(status)));
}

}  // namespace trestle::demo
