// One peer, several ways: the nearest serves, and another one when it is gone.
#include <trestle/trestle.hpp>

#include <filesystem>
#include <iostream>
#include <string>

using trestle::Node;
using trestle::Peer;
using trestle::PeerInfo;

/// The scheme of the connection that serves now.
std::string way_to(const Peer& peer) {
  const std::string uri = peer.transport_health().uri;
  return uri.substr(0, uri.find("://"));
}

int main() {
  Node server;
  server.add(trestle::unary("greet", [](const std::string& name) { return "hi " + name; })).value();
  server.listen("tcp://127.0.0.1:0").value();
  const std::string file = server.listen("unix://*").value();

  // What others need travels as one word: by a file, a variable, a command line.
  const PeerInfo info = PeerInfo::parse(server.info().text()).value();

  Node near;
  const Peer by_host = near.connect(info).value();
  std::cout << way_to(by_host) << ": " << by_host.call<std::string>("greet", "host").value()
            << '\n';

  // Without its file, the socket is no way any more.
  std::filesystem::remove(file.substr(std::string("unix://").size()));
  Node late;
  const Peer by_network = late.register_peer(info).value();
  const auto greeting = by_network.call<std::string>("greet", "network").value();
  std::cout << way_to(by_network) << ": " << greeting << '\n';

  // Who is elsewhere is told why.
  PeerInfo elsewhere = info;
  elsewhere.host = trestle::HostId::from_halves(1, 2);
  for (const auto& candidate : late.plan_route(elsewhere).candidates) {
    std::cout << candidate.scheme << ": " << candidate.why_not->text << '\n';
  }
  return 0;
}
