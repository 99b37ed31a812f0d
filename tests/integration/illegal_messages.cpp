// What message builders and statuses do not allow: one line for each value of ILLEGAL.
#include <trestle/message_builder.hpp>

namespace trestle {

void use(const Node& node, const Peer& peer) {
  const auto message = node.message("h").payload(1);
  auto confirming = message.send_detached(peer).value();
  auto accepted = message.expect_response<int>().send(peer).value();
#if ILLEGAL == 0
  static_cast<void>(std::move(confirming).await_ack());
  static_cast<void>(std::move(accepted).await_response());
  auto receipt = message.detach_receipt().send(peer).value();
  static_cast<void>(std::move(receipt).await_delivery().value().await_ack());
#elif ILLEGAL == 1
  static_cast<void>(std::move(confirming).await_response());
#elif ILLEGAL == 2
  static_cast<void>(confirming.await_ack());
#elif ILLEGAL == 3
  static_cast<void>(message.expect_response<void>().execute());
#elif ILLEGAL == 4
  static_cast<void>(message.send(peer).value().await_ack());
#elif ILLEGAL == 5
  static_cast<void>(message.detach_receipt().execute());
#elif ILLEGAL == 6
  auto copy = accepted;
#elif ILLEGAL == 7
  static_cast<void>(confirming.await_accepted());
#elif ILLEGAL == 8
  auto receipt = message.detach_receipt().send(peer).value();
  static_cast<void>(std::move(receipt).await_delivery().value().await_delivery());
#elif ILLEGAL == 9
  auto receipt = message.detach_receipt().send(peer).value();
  static_cast<void>(std::move(receipt).await_ack());
#endif
}

}  // namespace trestle
