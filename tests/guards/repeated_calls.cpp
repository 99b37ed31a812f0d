// Makes a given number of calls, to count the instructions of one: those of twice as many, less
// those of as many. "bound CASE" prints what one may take.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bounds.hpp"
#include "node_pair.hpp"

namespace trestle::guards {
namespace {

struct Case {
  std::string_view name;
  std::string transport;
  std::size_t size;
  int at_once;  // calls under way, or messages in a train; 0: calls that block
  const Expected& instructions;
};

const Case* find(std::string_view name) {
  static const Case cases[] = {
      {"inproc_64", "manual", 64, 0, instructions_inproc_64},
      {"inproc_4096", "manual", 4096, 0, instructions_inproc_4096},
      {"inproc_pipe_64", "manual", 64, 256, instructions_inproc_pipe_64},
      {"inproc_oneway_64", "manual", 64, 250, instructions_inproc_oneway_64},
      {"unix_64", "unix://*", 64, 0, instructions_unix_64},
      {"pass_unix_64", "pass+unix://*", 64, 0, instructions_pass_unix_64},
  };
  for (const Case& one : cases) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

int run(const Case& what, int calls) {
  NodePair pair(what.transport);
  const Payload payload = Payload::copy(std::string(what.size, 'x'));
  if (what.name == "inproc_oneway_64") {
    pair.send_in_trains(payload, calls, what.at_once);
  } else if (what.at_once == 0) {
    pair.call("echo", payload, calls);
  } else {
    pair.call_without_blocking(payload, calls, what.at_once);
  }
  return 0;
}

}  // namespace
}  // namespace trestle::guards

int main(int argc, char** argv) {
  using namespace trestle::guards;
  const bool prints = argc == 3 && std::string_view(argv[1]) == "expected";
  const Case* what = argc == 3 ? find(argv[2]) : nullptr;
  if (what == nullptr) {
    std::fprintf(stderr, "usage: %s CALLS|expected CASE\n", argv[0]);
    return 2;
  }
  if (!prints) return run(*what, std::atoi(argv[1]));
  std::printf("%.0f %.2f\n", what->instructions.about, what->instructions.tolerance);
  return 0;
}
