// Runs the job: a server in a child process, and calls that end in each way.
#include "job.hpp"

#include <unistd.h>

#include <array>
#include <iostream>

namespace {

using namespace std::chrono_literals;

/// Forks a server; returns where it listens.
std::string start_server() {
  std::array<int, 2> ends{-1, -1};
  if (pipe(ends.data()) != 0) return {};
  if (fork() == 0) {
    same_job::serve([&](const std::string& uri) {
      if (write(ends[1], uri.data(), uri.size()) < 0) std::_Exit(1);
      close(ends[1]);
    });
    std::_Exit(0);
  }
  close(ends[1]);
  std::string uri;
  char byte = 0;
  while (read(ends[0], &byte, 1) == 1) uri += byte;
  return uri;
}

}  // namespace

int main() {
  const auto client = same_job::connect(start_server());
  std::cout << "double: " << client->call("double", 21, 10s) << '\n';
  std::cout << "nobody: " << client->call("nobody", 1, 10s) << '\n';
  std::cout << "sleep: " << client->call("sleep", 500, 50ms) << '\n';
  std::cout << "beside it: " << client->call("double", 4, 10s) << '\n';
  std::cout << "die: " << client->call("die", 0, 10s) << '\n';
  return 0;
}
