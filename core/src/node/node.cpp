// The public face: Node.
#include <trestle/node.hpp>
#include <trestle/node_executor.hpp>

#include <algorithm>

#include "node/node_core.hpp"
#include "node/option_ranges.hpp"

namespace trestle {
Node::Node(NodeOptions options) {
  check(options).value();
  core_ = std::make_shared<NodeCore>(*this, std::move(options));
  core_->start();
}

Node::Node(std::shared_ptr<NodeCore> core) noexcept : core_(std::move(core)) {}

Node::~Node() {
  if (core_ == nullptr) return;  // a stand-in
  if (core_->is_of_the_parent()) {
    core_->abandon();
    return;
  }
  if (core_->must_end_later()) {
    NodeCore::end_later(core_);
    return;
  }
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
  // Another thread may have had the registry's lock.
  if (core_->is_of_the_parent()) return core_->closed_error();
  return core_->handlers().add(std::move(handler));
}
Result<void> Node::remove(std::string_view handler) {
  return core_->remove_handler(handler);
}
std::vector<std::string> Node::list_handlers() const {
  return core_->handlers().names();
}
HandlerEvents Node::handler_events() const {
  return HandlerEvents(core_->handlers().events());
}
PeerEvents Node::peer_events() const {
  return PeerEvents(core_->peer_events());
}
Result<HandlerContract> Node::contract(std::string_view handler) const {
  const auto entry = core_->handlers().find(handler);
  if (entry != nullptr) return entry->handler.contract();
  return Error(Errc::handler_not_found, "Handler '" + std::string(handler) + "' is not registered");
}
Result<std::string> Node::listen(std::string_view uri) {
  return core_->listen(uri);
}

Result<Peer> Node::connect(std::string_view uri, ConnectOptions options) {
  auto link = core_->connect(uri, options);
  if (link.has_error()) return std::move(link).error();
  return Peer(std::move(*link));
}

std::vector<PeerOutcome> Node::broadcast_encoded(std::string_view handler, Result<Encoded> argument,
                                                 const CallOptions& options) const {
  const auto links = core_->peers();
  std::vector<PeerOutcome> outcomes;
  outcomes.reserve(links.size());
  if (argument.has_error()) {
    for (const auto& link : links) outcomes.push_back({Peer(link), argument.error()});
    return outcomes;
  }
  const SharedPayload shared(std::move(argument->payload));
  CallOptions together = options;
  together.deadline = core_->calls().deadline_of(options, core_->now());
  together.timeout = std::chrono::nanoseconds::max();
  std::vector<Result<detail::OpenCall>> calls;
  calls.reserve(links.size());
  for (const auto& link : links) {
    // Whoever waited for room at one peer would keep the others waiting.
    calls.push_back(
        core_->calls().open_at_once({link, handler, DeliveryMode::confirmed, together},
                                    Encoded{argument->codec, shared.lend(), argument->headers}));
  }
  for (std::size_t i = 0; i < links.size(); ++i) {
    auto ended =
        calls[i].has_error() ? Result<Encoded>(calls[i].error()) : calls[i]->wait_outcome();
    outcomes.push_back({Peer(links[i]), {}});
    if (ended.has_error()) outcomes.back().outcome = std::move(ended).error();
  }
  return outcomes;
}

std::vector<Peer> Node::peers() const {
  std::vector<Peer> peers;
  for (auto& link : core_->peers()) peers.emplace_back(std::move(link));
  return peers;
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
DispatchCounts Node::dispatch_counts() const {
  return core_->dispatch_counts();
}
NodeStatistics Node::statistics() const {
  return core_->statistics();
}
std::stop_token Node::stop_token() const {
  return core_->stop_token();
}
Result<void> Node::close() {
  const auto keep_alive = core_;  // a callback of stop_token() may destroy this
  return core_->close();
}

}  // namespace trestle
