// Fork, exec, pipes, and the end.
#include "child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace trestle::scenarios {
namespace {

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  return ends;
}

void close_one(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments) {
  const auto [child_in, to_child] = make_pipe();
  const auto [from_child, child_out] = make_pipe();
  std::vector<char*> argv{const_cast<char*>("conservation")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.data()));
  argv.push_back(nullptr);
  const pid_t parent = ::getpid();
  id_ = ::fork();
  if (id_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (id_ == 0) {
    // Only what is safe between fork and exec.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::dup2(child_in, STDIN_FILENO);
    ::dup2(child_out, STDOUT_FILENO);
    ::execv("/proc/self/exe", argv.data());
    ::_exit(127);
  }
  ::close(child_in);
  ::close(child_out);
  input_ = to_child;
  output_ = from_child;
  pid_descriptor_ = static_cast<int>(::syscall(SYS_pidfd_open, id_, 0));
}

Child::Child(Child&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      pid_descriptor_(std::exchange(other.pid_descriptor_, -1)),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(pid_descriptor_, other.pid_descriptor_);
  std::swap(input_, other.input_);
  std::swap(output_, other.output_);
  return *this;
}

Child::~Child() {
  kill();
  if (pid_descriptor_ >= 0) ::close(pid_descriptor_);
  drop_pipes();
}

void Child::drop_pipes() {
  close_one(input_);
  close_one(output_);
}

std::string Child::read_line() {
  std::string line;
  for (char next = 0; ::read(output_, &next, 1) == 1;) {
    if (next == '\n') return line;
    line += next;
  }
  return {};
}

void Child::kill() {
  if (id_ < 0) return;
  ::kill(id_, SIGKILL);
  wait();
}

int Child::wait() {
  close_one(input_);
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace trestle::scenarios
