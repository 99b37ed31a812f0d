// One of the servers that are restarted: notes in a shared file what it ran, and closes in good
// order when its standard input ends. Usage: restart_server URI LEDGER_FILE
#include <trestle/trestle.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "run_ledger.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return EXIT_FAILURE;
  trestle::faults::RunLedger ledger(argv[2]);
  trestle::Node node({.workers = 2});
  const auto twice = [&](int number) {
    ledger.note(number);
    return 2 * number;
  };
  node.add(trestle::unary("twice", twice)).value();
  std::printf("%s\n", node.listen(argv[1]).value().c_str());
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  const auto closed = node.close();
  if (closed.has_error()) std::fprintf(stderr, "%s\n", closed.error().text.c_str());
  return closed.has_error() ? EXIT_FAILURE : EXIT_SUCCESS;
}
