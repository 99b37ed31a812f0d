// Fork, exec, and the line that says where the server listens.
#include "server_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace trestle::tools {
namespace {

Error system_failure(const std::string& call) {
  return Error(Errc::transport_failed, call + ": " + std::generic_category().message(errno));
}

std::string read_line(int descriptor) {
  std::string line;
  char next = 0;
  for (;;) {
    const ssize_t got = read(descriptor, &next, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || next == '\n') return line;
    line.push_back(next);
  }
}

}  // namespace

Result<ServerProcess> ServerProcess::start(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"trestle", "serve"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("pipe");
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return system_failure("fork");
  if (child == 0) {
    // It must not outlive this process, however that ends.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    dup2(ends[1], STDOUT_FILENO);
    execv("/proc/self/exe", argv.data());
    _exit(127);
  }
  close(ends[1]);
  ServerProcess server(child, ends[0]);
  const std::string line = read_line(ends[0]);
  const std::string word = "listening ";
  if (!line.starts_with(word)) {
    return Error(Errc::transport_failed, "'trestle serve' of our own did not start to listen");
  }
  server.uri_ = line.substr(word.size());
  return server;
}

ServerProcess::~ServerProcess() {
  if (id_ < 0) return;
  kill(id_, SIGTERM);
  while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
  close(output_);
}

}  // namespace trestle::tools
