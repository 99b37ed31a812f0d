// Messages that nobody waits for: what the sender learns, what it does not, and in which order they
// run.
#include <trestle/trestle.hpp>

#include <iostream>
#include <string>
#include <vector>

using trestle::Execution;
using trestle::Node;
using trestle::Peer;

/// Keeps lines. Inline handlers run one after the other, in the order in which messages came: the
/// lines need no mutex.
void serve_log(Node& node, std::vector<std::string>& lines) {
  node.add(trestle::am("log", [&lines](std::string line) { lines.push_back(std::move(line)); },
                       {Execution::inline_}))
      .value();
  node.add(trestle::unary("lines", [&lines] { return lines; }, {Execution::inline_})).value();
}

int main() {
  std::vector<std::string> lines;
  Node server, client;
  serve_log(server, lines);
  const Peer peer = client.connect(server.listen("unix://*").value()).value();

  // send() returns once the message is in the local queue: an id, or why it is not there.
  for (const char* line : {"first", "second", "third"}) peer.send("log", line).value();
  const auto refused = peer.send("", "nameless");
  std::cout << "not sent: " << refused.error().text << '\n';

  // What happens at the peer is between the peer and its log: no such handler, no word of it here.
  peer.send("lgo", "misspelt").value();

  // A call that arrives behind them finds all of them there.
  const auto kept = peer.call<std::vector<std::string>>("lines").value();
  for (const std::string& line : kept) std::cout << line << '\n';
  std::cout << "refused there: " << server.counters().messages_refused << '\n';
  return 0;
}
