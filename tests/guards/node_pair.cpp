// Handlers and rounds of a pair of nodes.
#include "node_pair.hpp"

#include <string>
#include <utility>

namespace trestle::guards {

NodePair::NodePair(const std::string& transport) {
  if (transport == "manual") {
    network_ = std::make_unique<testing::TestNetwork>();
    server_ = &network_->add_node(options());
    client_ = &network_->add_node(options());
  } else {
    own_server_ = std::make_unique<Node>(options());
    own_client_ = std::make_unique<Node>(options());
    server_ = own_server_.get();
    client_ = own_client_.get();
  }
  add_handlers();
  const std::string uri = network_ != nullptr ? "inproc://*" : transport;
  peer_ = client_->connect(server_->listen(uri).value()).value();
}

NodeOptions NodePair::options() {
  NodeOptions sleepy;
  sleepy.spin = Spin::off;
  sleepy.workers = 1;
  return sleepy;
}

void NodePair::add_handlers() {
  const HandlerOptions in_turn{Execution::inline_};
  const auto echo = [](Payload payload) { return payload; };
  server_
      ->add(unary(
          "echo",
          [this](Payload payload) {
            server_meter_ = &test_support::meter_of_this_thread();
            return payload;
          },
          in_turn))
      .value();
  server_->add(unary("spawned", echo)).value();
  server_
      ->add(unary(
          "move",
          [](const Point& point) {
            return Point{point.y, point.x, point.weight};
          },
          in_turn))
      .value();
  server_
      ->add(am(
          "count", [this](BytesView) { arrivals_.count(); }, in_turn))
      .value();
  held_.reserve(64);
  server_
      ->add(unary(
          "hold",
          [this](BytesView, Reply<Payload> reply) {
            held_.push_back(std::move(reply));
            held_calls_.count();
          },
          in_turn))
      .value();
}

void NodePair::await(Countdown& countdown) {
  if (network_ == nullptr) return countdown.wait();
  while (!countdown.is_over()) network_->poll();
}

/// Calls of which each starts the next one.
struct NodePair::Chain {
  void start_one() {
    if (left.fetch_sub(1) <= 0) return;
    peer.async_call<Payload>(handler, argument, [this](Result<Payload> reply) {
      reply.value();
      start_one();
      ended.count();
    });
  }

  const Peer& peer;
  std::string_view handler;
  const Payload& argument;
  std::atomic<int> left;
  Countdown ended{};
};

void NodePair::call_without_blocking(const Payload& argument, int messages, int outstanding) {
  Chain chain{.peer = peer_, .handler = "echo", .argument = argument, .left = messages};
  chain.ended.start(messages);
  for (int i = 0; i < outstanding; ++i) chain.start_one();
  await(chain.ended);
}

void NodePair::send(const Payload& argument, int messages) {
  arrivals_.start(messages);
  for (int i = 0; i < messages; ++i) peer_.send("count", argument).value();
  await(arrivals_);
}

void NodePair::send_in_trains(const Payload& argument, int messages, int train) {
  for (int sent = 0; sent < messages; sent += train) {
    arrivals_.start(train);
    client_->after(std::chrono::nanoseconds(0), [&, this] {
      for (int i = 0; i < train; ++i) peer_.send("count", argument).value();
    });
    await(arrivals_);
  }
}

void NodePair::answer_held() {
  await(held_calls_);
  for (const Reply<Payload>& reply : held_) reply(Payload());
  held_.clear();
}

}  // namespace trestle::guards
