// Two connected nodes that exchange messages, for counting what those cost.
#pragma once

#include <trestle/trestle.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe/class.hpp>
#include <trestle/test_support/system_calls.hpp>
#include <trestle/testing/test_network.hpp>

#include "countdown.hpp"

namespace trestle::guards {

/// A small typed message.
struct Point {
  int x = 0;
  int y = 0;
  double weight = 0.0;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y, weight))

/// A server and a client in this process. Both sleep when they have nothing to do: spinning would
/// make counts depend on the speed of the machine.
class NodePair {
 public:
  /// A URI to listen at; "manual" for inproc:// driven by hand.
  explicit NodePair(const std::string& transport);

  const Peer& peer() const noexcept { return peer_; }
  bool is_driven_by_hand() const noexcept { return network_ != nullptr; }

  /// `messages` blocking calls with `argument`.
  template <class T>
  void call(std::string_view handler, const T& argument, int messages);
  /// `messages` calls with completions, `outstanding` at a time.
  void call_without_blocking(const Payload& argument, int messages, int outstanding);
  /// `messages` that nobody answers, until the last one was handled.
  void send(const Payload& argument, int messages);

  /// The same from inside turns of the client, so many in each: they leave together.
  void send_in_trains(const Payload& argument, int messages, int train);

  /// Of the thread that drives the server; it must have answered a call of "echo".
  test_support::SystemCalls server_calls() const { return system_calls(*server_meter_.load()); }

  /// Calls of "hold" wait until answer_held(), which waits for that many of them.
  void expect_held(int calls) { held_calls_.start(calls); }
  void answer_held();

 private:
  struct Chain;

  static NodeOptions options();
  void add_handlers();
  void await(Countdown& countdown);

  Countdown arrivals_;  // of "count"
  std::atomic<const test_support::SystemCallMeter*> server_meter_{nullptr};
  std::vector<Reply<Payload>> held_;  // the server's thread writes it, ours after held_calls_
  Countdown held_calls_;
  std::unique_ptr<testing::TestNetwork> network_;
  std::unique_ptr<Node> own_server_;
  std::unique_ptr<Node> own_client_;
  Node* server_;
  Node* client_;
  Peer peer_;
};

template <class T>
void NodePair::call(std::string_view handler, const T& argument, int messages) {
  for (int i = 0; i < messages; ++i) peer_.call<T>(handler, argument).value();
}

}  // namespace trestle::guards
