// Turns, and time that moves when nothing is left to do.
#include <trestle/manual_driver.hpp>

#include "node/driven_nodes.hpp"

namespace trestle {
namespace {

// Handlers that call each other while they are driven nest on one stack.
constexpr int depth_max = 64;

// Over transports of the kernel, being idle may mean that bytes are on their way.
constexpr int naps_max = 20;
constexpr std::chrono::milliseconds nap_length{1};

}  // namespace

ManualDriver::ManualDriver() : nodes_(std::make_unique<Nodes>()) {}
ManualDriver::~ManualDriver() = default;

std::size_t ManualDriver::poll() {
  std::size_t handled = 0;
  // By index: a handler may make or close a node.
  for (std::size_t i = 0; i < nodes_->list.size(); ++i) handled += nodes_->list[i]->turn();
  return handled;
}

void ManualDriver::settle() {
  while (poll() != 0) {
  }
}

std::optional<TimePoint> ManualDriver::next_timer() const {
  std::optional<TimePoint> next;
  for (detail::Drivable* node : nodes_->list) {
    const auto due = node->next_timer();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

void ManualDriver::advance(std::chrono::nanoseconds by) {
  const TimePoint end = clock_.now() + by;
  settle();
  for (auto due = next_timer(); due && *due <= end; due = next_timer()) {
    clock_.advance_to(*due);
    settle();
  }
  clock_.advance_to(end);
  settle();
}

bool ManualDriver::nap_brought_work() {
  for (int i = 0; i < naps_max; ++i) {
    bool kernel = false;
    for (detail::Drivable* node : nodes_->list) {
      if (!node->waits_on_kernel()) continue;
      kernel = true;
      node->nap(nap_length);
    }
    if (!kernel) return false;
    if (poll() != 0) return true;
  }
  return false;
}

template <class Done>
bool ManualDriver::drive_until(const Done& done) {
  if (depth_ >= depth_max) return false;
  ++depth_;
  bool reached = false;
  while (!(reached = done())) {
    std::size_t handled = 0;
    // By index: a handler may make or close a node.
    for (std::size_t i = 0; i < nodes_->list.size(); ++i) {
      const std::size_t in_turn = nodes_->list[i]->turn();
      handled += in_turn;
      if (in_turn != 0 && (reached = done())) break;
    }
    if (reached) break;
    if (handled != 0 || nap_brought_work()) continue;
    const auto due = next_timer();
    if (!due) break;
    clock_.advance_to(*due);
  }
  --depth_;
  return reached;
}

bool ManualDriver::run_until(const std::function<bool()>& done) {
  return drive_until(done);
}

bool ManualDriver::Nodes::run_until_done(ManualDriver& driver, const engine::Waiter& waiter) {
  return driver.drive_until([&waiter] { return waiter.is_done(); });
}

}  // namespace trestle
