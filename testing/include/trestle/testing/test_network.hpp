// Nodes of one test: one thread, a virtual clock, everything in the same order each time.
#pragma once

#include <trestle/manual_driver.hpp>
#include <trestle/node.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace trestle::testing {

/// A network of nodes that nothing moves but the test. Blocking calls drive all of its nodes until
/// their outcome. Instance ids and incarnations count up, so that every run is the same.
/// Threads: one.
class TestNetwork {
 public:
  /// A further node. Lifetime: the network's. `options`: driver, instance_id and incarnation are
  /// filled in unless set.
  Node& add_node(NodeOptions options = {});

  /// What drives its nodes.
  ManualDriver& driver() noexcept { return driver_; }
  /// The clock of its nodes.
  ManualClock& clock() noexcept { return driver_.clock(); }

  /// One turn of every node; returns how much was handled.
  std::size_t poll() { return driver_.poll(); }
  /// Turns until nothing is left to do at the present time.
  void settle() { driver_.settle(); }
  /// Lets time pass, firing each timer at its own time.
  void advance(std::chrono::nanoseconds by) { driver_.advance(by); }

 private:
  ManualDriver driver_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace trestle::testing
