// Fork, memory files for the outcome and the output, and what an end without an outcome means.
#include "check_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>

namespace trestle::conformance {
namespace {

constexpr int exit_without_outcome = 125;
constexpr std::size_t text_bytes_max = 8000;
constexpr std::size_t output_bytes_max = 4000;

int make_memory(const char* name) {
  const int memory = ::memfd_create(name, MFD_CLOEXEC);
  if (memory < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
  return memory;
}

/// The verdict, then the texts, each ended by a zero byte.
std::string encode(const Outcome& outcome) {
  std::string all(1, static_cast<char>('0' + static_cast<int>(outcome.verdict)));
  for (const std::string* text :
       {&outcome.text, &outcome.expected, &outcome.happened, &outcome.reference}) {
    all += text->substr(0, std::min(text->find('\0'), text_bytes_max));
    all += '\0';
  }
  return all;
}

std::string read_end_of(int memory, std::size_t bytes_max) {
  const auto size = static_cast<std::size_t>(::lseek(memory, 0, SEEK_END));
  std::string text(std::min(size, bytes_max), '\0');
  const auto got =
      ::pread(memory, text.data(), text.size(), static_cast<off_t>(size - text.size()));
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

Outcome decode(const std::string& all) {
  Outcome outcome;
  outcome.verdict = static_cast<Verdict>(all.front() - '0');
  std::size_t at = 1;
  for (std::string* text :
       {&outcome.text, &outcome.expected, &outcome.happened, &outcome.reference}) {
    *text = all.c_str() + at;
    at += text->size() + 1;
  }
  return outcome;
}

std::string describe_end(int status) {
  if (WIFEXITED(status)) {
    return "the process ended with exit status " + std::to_string(WEXITSTATUS(status));
  }
  const int number = WTERMSIG(status);
  const char* const name = ::sigabbrev_np(number);
  return std::string("the process died of SIG") + (name == nullptr ? "?" : name) + " (" +
         ::strsignal(number) + ")";
}

}  // namespace

CheckProcess::CheckProcess(const std::function<Outcome()>& body)
    : started_(std::chrono::steady_clock::now()),
      result_(make_memory("outcome")),
      output_(make_memory("output")) {
  std::fflush(nullptr);  // or the child writes the same text again
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(exit_without_outcome);
    run_in_child(body);
  }
  ::setpgid(pid_, pid_);
  ended_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (ended_ < 0) throw std::system_error(errno, std::generic_category(), "pidfd_open");
}

CheckProcess::~CheckProcess() {
  kill();
  for (const int fd : {result_, output_, ended_}) ::close(fd);
}

void CheckProcess::run_in_child(const std::function<Outcome()>& body) const {
  ::setpgid(0, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // A plugin that raises SIGPIPE has to be seen, whatever this program inherited.
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(output_, STDOUT_FILENO);
  ::dup2(output_, STDERR_FILENO);
  const std::string result = encode(body());
  std::fflush(nullptr);
  const auto written = ::write(result_, result.data(), result.size());
  ::_exit(written == static_cast<ssize_t>(result.size()) ? 0 : exit_without_outcome);
}

void CheckProcess::kill() {
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

Outcome CheckProcess::take_outcome() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  ::kill(-pid_, SIGKILL);  // what it started and left behind
  pid_ = -1;
  const std::string result = read_end_of(result_, 4 * text_bytes_max);
  if (status != 0 || result.empty()) return broken(describe_end(status));
  return decode(result);
}

Outcome CheckProcess::time_out(std::chrono::seconds bound) {
  kill();
  return broken("no end within " + std::to_string(bound.count()) + " s");
}

Outcome CheckProcess::wait_for_outcome(std::chrono::seconds bound) {
  pollfd entry{ended_, POLLIN, 0};
  const std::chrono::milliseconds limit = bound;
  return ::poll(&entry, 1, static_cast<int>(limit.count())) == 1 ? take_outcome() : time_out(bound);
}

Outcome CheckProcess::broken(const std::string& happened) const {
  const std::string output = read_end_of(output_, output_bytes_max);
  const std::string all = output.empty() ? happened : happened + "; it wrote:\n" + output;
  return {Verdict::fail, all, "the check to come to an end by itself", all, ""};
}

}  // namespace trestle::conformance
