// A service of two servers, one of which is shut down while clients call: no call fails.
#include <trestle/trestle.hpp>

#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using trestle::Error;
using trestle::Node;
using trestle::Peer;
using trestle::Result;
using namespace std::chrono_literals;

std::unique_ptr<Node> start_server() {
  auto server = std::make_unique<Node>();
  const auto slowly = [](int value) {
    std::this_thread::sleep_for(1ms);
    return value + 1;
  };
  server->add(trestle::unary("next", slowly)).value();
  return server;
}

/// Tries one server after the other. What provably did not run may run elsewhere: a server that
/// drains refuses so, and so does one that is gone.
Result<int> call_any(const std::vector<Peer>& servers, int value) {
  Result<int> outcome = Error(trestle::Errc::no_target, "no servers");
  for (const Peer& server : servers) {
    outcome = server.call<int>("next", value);
    if (outcome.has_value() || outcome.error().ran != trestle::Ran::no) break;
  }
  return outcome;
}

int main() {
  const auto first = start_server();
  const auto second = start_server();
  Node client;
  const std::vector<Peer> servers = {client.connect(first->listen("unix://*").value()).value(),
                                     client.connect(second->listen("unix://*").value()).value()};

  std::atomic<int> answered{0}, failed{0};
  std::atomic<bool> over{false};
  std::thread caller([&] {
    for (int value = 0; !over; ++value) {
      call_any(servers, value).has_value() ? ++answered : ++failed;
    }
  });
  while (answered < 20) std::this_thread::yield();

  // New calls are refused from here on, those under way end, and then the node closes.
  const auto closed = first->close();
  std::cout << "first server: " << (closed.has_value() ? "drained" : closed.error().text) << '\n';

  const int before = answered;
  while (answered < before + 20) std::this_thread::yield();
  over = true;
  caller.join();
  std::cout << "failed calls: " << failed << '\n';
  return failed == 0 ? 0 : 1;
}
