// Opens connections to a peer and keeps them idle until standard input ends, so that what they
// cost the peer can be seen.
#include <trestle/trestle.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <vector>

namespace {

/// A node of its own: one node has one connection to a peer. Driven by a thread, since one that is
/// driven by hand takes a server that is slow for once for one that does not answer.
class IdleClient {
 public:
  IdleClient() : node_(options()) {}

  /// Connects, and makes one call: a connection that was never used keeps less.
  trestle::Result<void> use(const std::string& uri) {
    const auto peer = node_.connect(uri);
    if (peer.has_error()) return peer.error();
    const auto reply = peer->call<std::string>("echo", std::string(64, 'x'));
    if (reply.has_error()) return reply.error();
    return {};
  }

 private:
  static trestle::NodeOptions options() {
    trestle::NodeOptions few_threads;
    few_threads.workers = 1;
    return few_threads;
  }

  trestle::Node node_;
};

}  // namespace

int main(int argc, char** argv) {
  std::string uri;
  std::size_t count = 1;
  CLI::App app("Keeps connections open, and idle.");
  app.add_option("URI", uri, "Where a 'trestle serve' listens")->required();
  app.add_option("--count", count)->check(CLI::Range(1, 20'000));
  CLI11_PARSE(app, argc, argv);
  std::vector<std::unique_ptr<IdleClient>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<IdleClient>());
    if (const auto used = clients.back()->use(uri); used.has_error()) {
      std::fprintf(stderr, "connection %zu: %s\n", i + 1, used.error().text.c_str());
      return 1;
    }
  }
  std::printf("connected %zu\n", count);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
