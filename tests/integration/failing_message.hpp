// Two nodes for one message that fails, and what it takes to have it fail.
#pragma once

#include <trestle/testing/test_network.hpp>
#include <trestle/trestle.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace trestle::test_support {

/// Two nodes of their own for one failure; the handler is NAME, as in docs/patterns.md.
struct FailingMessage {
  explicit FailingMessage(NodeOptions of_server = {}, NodeOptions of_client = {})
      : server(network.add_node(std::move(of_server))),
        client(network.add_node(std::move(of_client))) {}
  ~FailingMessage() {
    held.clear();
    static_cast<void>(client.close());
    static_cast<void>(server.close());
  }
  FailingMessage(const FailingMessage&) = delete;
  FailingMessage& operator=(const FailingMessage&) = delete;

  void serve(Handler handler) { server.add(std::move(handler)).value(); }
  /// It answers when it is told to, and runs one message at a time.
  void serve_later() {
    serve(unary("NAME", [this](Reply<int> reply) { held.push_back(std::move(reply)); },
                {.execution = Execution::inline_, .concurrency_max = 1}));
  }
  /// What a turn sends leaves at its end, so that `body` still has it.
  void within_a_turn(std::function<void()> body) {
    client.after(std::chrono::seconds(0), std::move(body));
    network.settle();
  }
  auto detached() { return peer.message("NAME").expect_response<int>().send_detached().value(); }

  std::vector<Reply<int>> held;
  testing::TestNetwork network;
  Node& server;
  Node& client;
  const std::string uri = server.listen("inproc://*").value();
  Peer peer = client.connect(uri).value();
};

}  // namespace trestle::test_support
