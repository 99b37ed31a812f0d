// Fork, pipes, and a watchdog.
#include "tool_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace trestle::tools {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto watchdog = std::chrono::seconds(20);

void close_if_open(int& descriptor) {
  if (descriptor >= 0) close(std::exchange(descriptor, -1));
}

/// Appends what is there; closes the descriptor at its end.
void read_into(std::string& text, int& descriptor) {
  std::array<char, 4096> chunk;
  const ssize_t got = read(descriptor, chunk.data(), chunk.size());
  if (got > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(got));
  } else if (got == 0 || errno != EINTR) {
    close_if_open(descriptor);
  }
}

std::string take_line(std::string& text) {
  const auto end = std::min(text.find('\n'), text.size());
  std::string line = text.substr(0, end);
  text.erase(0, end + 1);
  return line;
}

std::vector<std::string> serve_arguments(const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"serve", "--listen", "tcp://127.0.0.1:0", "--listen",
                                     "unix://*"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string uri_in(const std::string& line) {
  const std::string word = "listening ";
  if (!line.starts_with(word)) throw std::runtime_error("serve printed '" + line + "'");
  return line.substr(word.size());
}

}  // namespace

ToolProcess::ToolProcess(const std::vector<std::string>& arguments, const Environment& environment)
    : ToolProcess(TRESTLE_TOOL, arguments, environment) {}

ToolProcess::ToolProcess(const char* program, const std::vector<std::string>& arguments,
                         const Environment& environment) {
  start(program, arguments, environment);
}

ToolProcess ToolProcess::mute_server() {
  return ToolProcess(TRESTLE_MUTE_SERVER, {}, {});
}

void ToolProcess::start(const char* program, const std::vector<std::string>& arguments,
                        const Environment& environment) {
  // A child that ended early must show as such, not end the test with SIGPIPE.
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<char*> argv{const_cast<char*>(program)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  int in[2], out[2], err[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipes left");
  }
  id_ = fork();
  if (id_ == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    execv(program, argv.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  close(err[1]);
  input_ = in[1];
  output_ = out[0];
  error_ = err[0];
}

ToolProcess::~ToolProcess() {
  if (id_ > 0) {
    send_signal(SIGKILL);
    wait();
  }
  close_if_open(input_);
  close_if_open(output_);
  close_if_open(error_);
}

bool ToolProcess::read_more(SteadyClock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
  if (left <= 0) return false;
  std::array<pollfd, 2> streams{{{output_, POLLIN, 0}, {error_, POLLIN, 0}}};
  if (poll(streams.data(), streams.size(), static_cast<int>(left)) > 0) {
    if (streams[0].revents != 0) read_into(out_, output_);
    if (streams[1].revents != 0) read_into(err_, error_);
  }
  return true;
}

std::string ToolProcess::read_line() {
  const auto deadline = SteadyClock::now() + watchdog;
  while (out_.find('\n') == std::string::npos && output_ >= 0 && read_more(deadline)) {
  }
  return take_line(out_);
}

void ToolProcess::write_input(const std::string& text) {
  std::string_view left = text;
  while (!left.empty()) {
    const ssize_t written = write(input_, left.data(), left.size());
    if (written < 0 && errno != EINTR) break;
    if (written > 0) left.remove_prefix(static_cast<std::size_t>(written));
  }
  close_if_open(input_);
}

void ToolProcess::send_signal(int signal) const {
  kill(id_, signal);
}

Ended ToolProcess::wait() {
  close_if_open(input_);
  const auto deadline = SteadyClock::now() + watchdog;
  while ((output_ >= 0 || error_ >= 0) && read_more(deadline)) {
  }
  if (output_ >= 0 || error_ >= 0) {
    err_ += "\n[killed by the watchdog of the test]";
    send_signal(SIGKILL);
  }
  int status = 0;
  while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return {code, out_, err_};
}

Ended run_tool(const std::vector<std::string>& arguments, const std::string& input) {
  ToolProcess tool(arguments);
  tool.write_input(input);
  return tool.wait();
}

ServedTool::ServedTool(const std::vector<std::string>& more_arguments)
    : process_(serve_arguments(more_arguments)),
      tcp_(uri_in(process_.read_line())),
      unix_(uri_in(process_.read_line())) {}

}  // namespace trestle::tools
