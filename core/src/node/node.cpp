// The public face: Node.
#include <trestle/node.hpp>
#include <trestle/node_executor.hpp>

#include "node/node_core.hpp"

namespace trestle {

Node::Node(NodeOptions options) : core_(std::make_shared<NodeCore>(*this, std::move(options))) {
  core_->start();
}

Node::~Node() {
  // Nobody is left to hear it; the log is.
  if (auto closed = core_->close(); closed.has_error()) core_->report(closed.error());
  core_->join();
}

const InstanceId& Node::instance_id() const noexcept {
  return core_->instance_id();
}
std::uint64_t Node::incarnation() const noexcept {
  return core_->incarnation();
}
Result<void> Node::add(Handler handler) {
  return core_->add_handler(std::move(handler));
}
Result<std::string> Node::listen(std::string_view uri) {
  return core_->listen(uri);
}

Result<Peer> Node::connect(std::string_view uri, ConnectOptions options) {
  auto link = core_->connect(uri, options);
  if (link.has_error()) return std::move(link).error();
  return Peer(std::move(*link));
}

Peer Node::peer(const InstanceId& id) {
  return Peer(core_->peer(id));
}

void Node::after(std::chrono::nanoseconds delay, std::function<void()> function) {
  core_->after(delay, std::move(function));
}

std::size_t Node::poll() {
  return core_->poll();
}
NodeExecutor Node::executor() {
  return core_->executor();
}
TimePoint Node::now() const noexcept {
  return core_->now();
}
NodeCounters Node::counters() const {
  return core_->counters();
}
Result<void> Node::close() {
  return core_->close();
}

}  // namespace trestle
