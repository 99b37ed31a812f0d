// A handler that was removed lives as long as anything may run it, and goes where code may run.
#include "raw_calls.hpp"

namespace trestle {
namespace {

class RemovedHandlers : public RawCalls {
 protected:
  /// What a handler's function holds; expires when that is destroyed.
  std::shared_ptr<int> held_by_function() {
    auto held = std::make_shared<int>(0);
    function = held;
    return held;
  }
  /// Turns go on below whatever runs now.
  static void let_turns_happen(Node& node) {
    EXPECT_TRUE(node.peer(node.instance_id()).ping().has_value());
  }

  /// One that gives the name instead of a number.
  static wire::Request named(std::uint32_t slot, std::string_view name) {
    return {.call = call(slot), .mode = DeliveryMode::with_response, .handler_name = name};
  }

  /// Removes the handler that runs, and sees whether its function outlives that.
  void remove_and_see() {
    let_turns_happen(server);
    EXPECT_TRUE(server.remove("leaving").has_value());
    let_turns_happen(server);
    lived = !function.expired();
  }

  std::weak_ptr<int> function;
  bool lived = false;
};

TEST_F(RemovedHandlers, OutliveTheirRunWhenTheCallersConnectionIsGone) {
  server
      .add(unary("leaving", [this, held = held_by_function()] { remove_and_see(); },
                 {Execution::inline_}))
      .value();

  const wire::Hello again;  // breaks the rules, and with them the connection
  raw->send(request(1, 1, "leaving"), again);

  EXPECT_TRUE(raw->is_closed());
  EXPECT_TRUE(lived);
  EXPECT_TRUE(function.expired()) << "and no longer than their run";
}

TEST_F(RemovedHandlers, OutliveMessagesThatAreToRunThem) {
  server
      .add(unary("remover",
                 [this] {
                   server.remove("leaving").value();
                   lived = !function.expired();
                 },
                 {Execution::inline_}))
      .value();
  int runs = 0;
  server.add(unary("leaving", [&runs, held = held_by_function()] { ++runs; }, {Execution::inline_}))
      .value();

  // A name without a number is remembered until the next one of its kind.
  send_together(std::tuple{request(1, 1, "remover"), named(2, "leaving"), named(3, "nobody")});

  EXPECT_TRUE(lived);
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(function.expired());
}

TEST_F(RemovedHandlers, GoAtOnceWhereNothingCouldRunThem) {
  server.add(unary("leaving", [held = held_by_function()] {})).value();

  server.remove("leaving").value();

  EXPECT_TRUE(function.expired());
}

/// Asks the node when it goes, which takes the node's lock.
struct Farewell {
  explicit Farewell(Node& n) : node(n) {}
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
  ~Farewell() { node.counters(); }
  Node& node;
};

TEST_F(RemovedHandlers, GoWithoutALockWhenTheirCallerGoes) {
  auto farewell = std::make_shared<Farewell>(server);
  function = std::shared_ptr<int>(farewell, nullptr);
  server.add(unary("leaving", [held = std::move(farewell)] {}, {Execution::inline_})).value();
  raw->send(request(1, 1, "leaving"));
  server.remove("leaving").value();

  raw.reset();
  network.settle();

  EXPECT_TRUE(function.expired());
}

TEST_F(RemovedHandlers, GoWithoutALockWhenAnotherNameComes) {
  auto farewell = std::make_shared<Farewell>(server);
  function = std::shared_ptr<int>(farewell, nullptr);
  server.add(unary("leaving", [held = std::move(farewell)] {}, {Execution::inline_})).value();
  raw->send(named(1, "leaving"));
  server.remove("leaving").value();

  raw->send(named(2, "nobody"));

  EXPECT_TRUE(function.expired());
}

}  // namespace
}  // namespace trestle
