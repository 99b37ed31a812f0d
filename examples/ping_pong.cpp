// Two nodes that send each other messages. Only the server listens: it reaches the client over the
// connection that the client opened, and knows it by the sender of a message.
#include <trestle/trestle.hpp>

#include <chrono>
#include <future>
#include <iostream>

using trestle::Context;
using trestle::Node;
using trestle::Peer;

/// Answers each "ping" with a "pong" to whoever sent it.
void add_ping(Node& server) {
  server
      .add(trestle::am("ping",
                       [](Context& context, int ball) {
                         std::cout << "ping " << ball << '\n';
                         context.node.peer(context.sender).send("pong", ball).value();
                       }))
      .value();
}

/// Sends the ball back, but for the last one.
void add_pong(Node& client, int last, std::promise<void>& over) {
  client
      .add(trestle::am("pong",
                       [last, &over](Context& context, int ball) {
                         std::cout << "pong " << ball << '\n';
                         if (ball == last) return over.set_value();
                         context.node.peer(context.sender).send("ping", ball + 1).value();
                       }))
      .value();
}

int main() {
  std::promise<void> over;  // before the nodes: handlers use it until their node is gone
  Node server, client;
  add_ping(server);
  add_pong(client, 3, over);

  const Peer peer = client.connect(server.listen("unix://*").value()).value();
  peer.send("ping", 1).value();
  over.get_future().wait();

  // The time of a round trip, without any handler.
  const std::chrono::duration<double, std::micro> round_trip = peer.ping().value();
  std::cout << "round trip: " << round_trip.count() << " us\n";
  return 0;
}
