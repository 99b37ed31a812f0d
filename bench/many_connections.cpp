// Many connections to one server, each with one call under way, from one thread: what a client
// needs to keep a server busy without being the slower of the two.
#include "bare/result.hpp"

#include <trestle/manual_driver.hpp>
#include <trestle/trestle.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

using bare::Clock;
using trestle::Payload;

[[noreturn]] void fail(const trestle::Error& error) {
  std::fprintf(stderr, "%s\n", error.text.c_str());
  std::exit(1);
}

/// What all connections share.
struct Load {
  std::vector<std::byte> bytes;
  bare::Samples samples;
  std::uint64_t answered = 0;
  std::size_t under_way = 0;
  bool ends = false;
};

/// One connection: a node of its own, since one node has one connection to a peer. Polled, so that
/// none of them needs a thread.
class Client {
 public:
  Client(trestle::ManualDriver& driver, Load& load) : load_(load), node_({.driver = &driver}) {}

  void connect(const std::string& uri) {
    auto peer = node_.connect(uri);
    if (peer.has_error()) fail(peer.error());
    peer_ = std::move(*peer);
  }

  /// Calls, and again after each answer, until the load ends.
  void call() {
    ++load_.under_way;
    sent_at_ = Clock::now();
    peer_.async_call<Payload>("echo", Payload::borrow(load_.bytes),
                              [this](const trestle::Result<Payload>& reply) {
                                if (reply.has_error()) fail(reply.error());
                                --load_.under_way;
                                ++load_.answered;
                                load_.samples.add(Clock::now() - sent_at_);
                                if (!load_.ends) call();
                              });
  }

  void poll() { node_.poll(); }

 private:
  Load& load_;
  trestle::Node node_;
  trestle::Peer peer_;
  Clock::time_point sent_at_;
};

Clock::duration run(std::vector<std::unique_ptr<Client>>& clients, Load& load,
                    Clock::duration during) {
  const auto start = Clock::now();
  load.ends = false;
  for (const auto& client : clients) client->call();
  while (load.under_way != 0) {
    for (const auto& client : clients) client->poll();
    if (Clock::now() - start >= during) load.ends = true;
  }
  return Clock::now() - start;
}

}  // namespace

int main(int argc, char** argv) {
  std::string uri;
  std::size_t count = 16;
  double seconds = 1.0;
  std::size_t size = 64;
  CLI::App app("Calls over many connections from one thread that polls.");
  app.add_option("URI", uri, "Where a 'trestle serve' listens")->required();
  app.add_option("--clients", count, "Connections")->check(CLI::Range(1, 4096));
  app.add_option("--seconds", seconds)->check(CLI::Range(0.001, 3600.0));
  app.add_option("--size", size, "Bytes of payload")->check(CLI::Range(0, 1 << 20));
  CLI11_PARSE(app, argc, argv);

  trestle::ManualDriver driver;
  Load load;
  load.bytes.assign(size, std::byte{0x5a});
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(driver, load));
    clients.back()->connect(uri);
  }
  const auto during =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  run(clients, load, during / 10);  // warms up
  load.samples.clear();
  load.answered = 0;
  const auto took = run(clients, load, during);
  bare::print({uri, "rtt", size, count, 1, took, load.answered}, load.samples);
  return 0;
}
