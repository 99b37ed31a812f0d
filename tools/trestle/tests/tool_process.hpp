// Processes under test: started with arguments, watched to their end, never left behind.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace trestle::tools {

/// How a process ended. A signal N shows as exit code 128 + N.
struct Ended {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// A child process with pipes for its standard streams. Whatever takes longer than 20 s is ended by
/// force, and shows as such.
class ToolProcess {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  /// The tool with `arguments`.
  explicit ToolProcess(const std::vector<std::string>& arguments,
                       const Environment& environment = {});
  /// The server that never answers.
  static ToolProcess mute_server();

  ToolProcess(const ToolProcess&) = delete;
  ToolProcess& operator=(const ToolProcess&) = delete;
  ~ToolProcess();

  /// The next line of standard output; what there is if it ends before.
  std::string read_line();
  /// Writes `text` to standard input and closes it.
  void write_input(const std::string& text);
  void send_signal(int signal) const;
  /// Closes standard input and waits for the end.
  Ended wait();

 private:
  ToolProcess(const char* program, const std::vector<std::string>& arguments,
              const Environment& environment);

  void start(const char* program, const std::vector<std::string>& arguments,
             const Environment& environment);
  bool read_more(std::chrono::steady_clock::time_point deadline);

  pid_t id_ = -1;
  int input_ = -1;
  int output_ = -1;
  int error_ = -1;
  std::string out_;
  std::string err_;
};

/// Runs the tool to its end.
Ended run_tool(const std::vector<std::string>& arguments, const std::string& input = "");

/// `trestle serve` at tcp and unix endpoints for as long as it lives.
class ServedTool {
 public:
  explicit ServedTool(const std::vector<std::string>& more_arguments = {});

  const std::string& tcp() const noexcept { return tcp_; }
  const std::string& unix_socket() const noexcept { return unix_; }
  ToolProcess& process() noexcept { return process_; }

 private:
  ToolProcess process_;
  std::string tcp_;
  std::string unix_;
};

}  // namespace trestle::tools
