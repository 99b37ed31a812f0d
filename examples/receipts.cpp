// How far a message has come: its receipt, the start of its handler, its end.
#include <trestle/trestle.hpp>

#include <iostream>
#include <string>

using trestle::Node;
using trestle::Peer;

void serve(Node& node) {
  node.add(trestle::ack("store", [](const std::string&) {})).value();
  node.add(trestle::unary("length",
                          [](const std::string& text) { return static_cast<int>(text.size()); }))
      .value();
}

/// The receipt: the handler exists, does what the sender expects, and can read the payload. It is
/// sent before the message is queued, however long it waits there.
void receipt_then_end(const Peer& peer) {
  auto sent = peer.message("store").payload("a").detach_receipt().send().value();
  auto delivered = std::move(sent).await_delivery().value();
  std::cout << "delivered to " << to_string(delivered.contract()) << '\n';
  std::move(delivered).await_ack().value();
  std::cout << "stored\n";
}

/// With a receipt, a sender that expects the wrong type is refused before the handler runs.
void receipt_that_does_not_come(const Peer& peer) {
  const auto message = peer.message("length").payload("four").detach_receipt();
  auto right = message.expect_typed_response<int>().send_with_response().value();
  auto wrong = message.expect_typed_response<double>().send_with_response().value();
  const auto four = std::move(right).await_delivery().value().await_response();
  std::cout << "length: " << four.value() << '\n';
  std::cout << std::move(wrong).await_delivery().error().text << '\n';
}

/// Acceptance: the handler is about to start. send() waits for that, and await_response() for the
/// rest, within one deadline for both.
void acceptance_then_response(const Peer& peer) {
  auto accepted = peer.message("length").payload("seven..").expect_response<int>().send().value();
  std::cout << "accepted\n";
  std::cout << "length: " << std::move(accepted).await_response().value() << '\n';
}

int main() {
  Node server, client;
  serve(server);
  const Peer peer = client.connect(server.listen("unix://*").value()).value();
  receipt_then_end(peer);
  receipt_that_does_not_come(peer);
  acceptance_then_response(peer);

  // Asked without a message: what a handler takes and gives.
  std::cout << to_string(peer.contract("length").value()) << '\n';
  return 0;
}
