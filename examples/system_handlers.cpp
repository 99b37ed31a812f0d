// What every node answers of itself, and what it does for those who may administer it.
#include <trestle/trestle.hpp>

#include <iostream>
#include <stop_token>
#include <string>

using trestle::Node;
using trestle::Peer;
using namespace std::chrono_literals;

/// Anybody may ask: no handler of the application runs for it.
void ask(const Peer& peer, Node& server) {
  std::cout << "health: " << peer.health_check().value().status << '\n';
  std::cout << "listens at " << peer.discover().value().address.endpoints().size() << " endpoint\n";

  server.after(50ms, [&server] { server.add(trestle::unary("late", [] { return 1; })).value(); });
  std::cout << "late handler: " << (peer.await_handler("late", 5s).value() ? "came" : "missing")
            << '\n';
  (void)peer.call<int>("late").value();
  (void)peer.call<int>("nobody");

  const auto all = peer.statistics().value();
  for (const auto& row : all.messages_refused) {
    std::cout << "refused " << row.reason << ": " << row.count << '\n';
  }
  for (const auto& row : all.handlers) {
    if (row.handler == "late") std::cout << "late admitted: " << row.admitted << '\n';
  }
}

int main() {
  Node client;
  Node server;
  // A unix socket tells the server which user is at the other end; TCP does not.
  const Peer trusted = client.connect(server.listen("unix://*").value()).value();
  ask(trusted, server);

  Node stranger;
  Node guarded({.log = [](trestle::LogLevel, std::string_view) {}});
  const Peer over_tcp = stranger.connect(guarded.listen("tcp://127.0.0.1:0").value()).value();
  std::cout << "a stranger: "
            << to_string(
                   static_cast<trestle::Errc>(over_tcp.request_shutdown().error().code.value()))
            << '\n';

  // The application learns of a shutdown from its node's token, whoever asked for it.
  const std::stop_callback on_stop(server.stop_token(), [] { std::cout << "draining\n"; });
  trusted.request_shutdown().value();
  server.close().value();  // waits until it is over
  std::cout << "closed\n";
  return 0;
}
