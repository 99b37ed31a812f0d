// The server of the fault tests: a node in a process of its own, until its standard input ends.
// Usage: fault_server URI INSTANCE HEARTBEAT_MS DEAD_AFTER_MS; INSTANCE "-": a new one.
#include <trestle/trestle.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 5) return EXIT_FAILURE;
  const std::string instance = argv[2];
  trestle::NodeOptions options;
  if (instance != "-") {
    options.instance_id = trestle::InstanceId::from_halves(9, std::stoull(instance));
  }
  options.heartbeat = std::chrono::milliseconds(std::atoi(argv[3]));
  options.dead_after = std::chrono::milliseconds(std::atoi(argv[4]));
  std::mutex mutex;
  std::vector<trestle::Reply<trestle::Payload>> unanswered;
  trestle::Node node(options);
  using trestle::Execution;
  using trestle::Payload;
  node.add(trestle::unary("echo", [](Payload in) { return in; }, {Execution::inline_})).value();
  node.add(trestle::unary("hang",
                          [&](trestle::BytesView, trestle::Reply<Payload> reply) {
                            const std::lock_guard lock(mutex);
                            unanswered.push_back(std::move(reply));
                          }))
      .value();
  node.add(trestle::unary("fill", [](int bytes) { return std::string(std::size_t(bytes), 'x'); }))
      .value();
  node.add(trestle::am("note", [] {})).value();
  const auto uri = node.listen(argv[1]);
  if (uri.has_error()) {
    std::printf("cannot listen: %s\n", uri.error().text.c_str());
    return EXIT_FAILURE;
  }
  std::printf("%s\n", uri->c_str());
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  ::_exit(EXIT_SUCCESS);
}
