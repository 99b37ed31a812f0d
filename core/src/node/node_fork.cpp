// A node in the child of a fork: a copy of its memory, without its threads, on descriptors that the
// parent goes on using. It refuses whatever is asked of it, and touches none of them.
#include <mutex>
#include <vector>

#include "node/driven_nodes.hpp"
#include "node/node_core.hpp"

namespace trestle {

void NodeCore::after_fork_in_child() {
  of_the_parent_ = true;
  closing_ = true;
  closed_ = true;
  undriven_ = true;
  ended_ = true;
  if (options_.driver != nullptr) ManualDriver::Nodes::remove(*options_.driver, *this);
  engine_.mutex().unlock();
}

Error NodeCore::closed_error() const {
  if (!of_the_parent_) return Error(Errc::shut_down, "this node was closed");
  return Error(Errc::shut_down,
               "this node belongs to the process that forked this one: make a node of its own in "
               "the child, or fork before the first node is made");
}

void NodeCore::abandon() {
  // Destroying it would join threads that are not there, or that do not end. Reachable, so that it
  // is no leak.
  static std::vector<std::shared_ptr<NodeCore>>& abandoned =
      *new std::vector<std::shared_ptr<NodeCore>>;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  abandoned.push_back(shared_from_this());
}

}  // namespace trestle
