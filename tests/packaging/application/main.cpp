// The smallest application: two nodes that call each other, from the installed package alone.
// Shows that headers, symbols, typed payloads and the plugins beside the library all came along.
#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <iostream>
#include <string>

namespace {

int call_over(const char* uri) {
  trestle::Node server;
  server.add(trestle::unary("length", [](const std::string& text) { return text.size(); })).value();
  trestle::Node client;
  const trestle::Peer peer = client.connect(server.listen(uri).value()).value();
  const auto length = peer.call<std::size_t>("length", std::string("trestle"));
  if (length.has_error()) {
    std::cerr << uri << ": " << length.error().text << '\n';
    return 1;
  }
  std::cout << uri << ": " << *length << '\n';
  return *length == 7 ? 0 : 1;
}

}  // namespace

int main() {
  trestle::testing::TestNetwork network;
  network.add_node();
  return call_over("inproc://*") + call_over("unix://*") + call_over("tcp://127.0.0.1:0");
}
