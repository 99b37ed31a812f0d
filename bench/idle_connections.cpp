// Opens connections to a peer and keeps them idle until standard input ends, so that what they
// cost the peer can be seen.
#include <trestle/manual_driver.hpp>
#include <trestle/trestle.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <vector>

int main(int argc, char** argv) {
  std::string uri;
  std::size_t count = 1;
  CLI::App app("Keeps connections open, and idle.");
  app.add_option("URI", uri, "Where a 'trestle serve' listens")->required();
  app.add_option("--count", count)->check(CLI::Range(1, 20'000));
  CLI11_PARSE(app, argc, argv);
  // One driver for all nodes: no threads.
  trestle::ManualDriver driver;
  std::vector<std::unique_ptr<trestle::Node>> nodes;
  for (std::size_t i = 0; i < count; ++i) {
    trestle::NodeOptions options;
    options.driver = &driver;
    nodes.push_back(std::make_unique<trestle::Node>(std::move(options)));
    const auto peer = nodes.back()->connect(uri);
    if (peer.has_error()) {
      std::fprintf(stderr, "connection %zu: %s\n", i + 1, peer.error().text.c_str());
      return 1;
    }
    // One call each: a connection that was never used keeps less.
    if (const auto reply = peer->call<std::string>("echo", std::string(64, 'x'));
        reply.has_error()) {
      std::fprintf(stderr, "call %zu: %s\n", i + 1, reply.error().text.c_str());
      return 1;
    }
  }
  std::printf("connected %zu\n", count);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  // Closing one by one would drive all of them each time.
  std::_Exit(0);
}
