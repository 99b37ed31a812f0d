// Connecting while nobody blocks, and the executor.
#include <trestle/detail/node_operations.hpp>
#include <trestle/node_executor.hpp>

#include "node/node_core.hpp"

namespace trestle {
namespace detail {

/// One connect under way, as the application and the node both know it. Owns itself until its end.
class PendingConnect final : public NodeCore::ConnectWaiter,
                             public Cancellable,
                             public std::enable_shared_from_this<PendingConnect> {
 public:
  using PeerResult = NodeCore::PeerResult;

  PendingConnect(NodeCore& c, std::string_view uri, ConnectOptions options, ConnectCompletion done)
      : ConnectWaiter(c),
        owner_(c.shared_from_this()),
        uri_(uri),
        options_(std::move(options)),
        done_(std::move(done)) {}

  void start();
  /// There is no message, so the scope says nothing.
  bool cancel(CallCanceller::Scope scope) override;
  void finish(const PeerResult& result) override;

 private:
  Result<peers::Endpoint> find_endpoint();
  void complete(PeerResult result);

  const std::shared_ptr<NodeCore> owner_;
  const std::string uri_;
  const ConnectOptions options_;
  ConnectCompletion done_;
  std::shared_ptr<PendingConnect> self_;  // while it waits; under the engine's lock
  std::optional<peers::Endpoint> endpoint_;
};

Result<peers::Endpoint> PendingConnect::find_endpoint() {
  auto endpoint = peers::Endpoint::parse(uri_);
  if (endpoint.has_error()) return endpoint;
  // Loads the plugin, if it must be, before the lock is taken.
  auto plugin = core.plugins_.find(endpoint->scheme);
  if (plugin.has_error()) return std::move(plugin).error();
  return endpoint;
}

void PendingConnect::start() {
  auto endpoint = find_endpoint();
  engine::Lock lock(core.engine_.mutex());
  ++core.detached_connects_;
  self_ = shared_from_this();
  PeerResult at_once = peers::PeerLinkPtr();
  if (endpoint.has_error()) {
    at_once = std::move(endpoint).error();
  } else {
    endpoint_ = std::move(*endpoint);
    at_once = core.connect_soon(*endpoint_, uri_, options_, *this);
  }
  const bool waits = at_once.has_value() && *at_once == nullptr;
  if (!waits && core.undriven_) {
    const auto ended = std::exchange(self_, nullptr);
    lock.unlock();
    return complete(std::move(at_once));
  }
  if (!waits) finish(at_once);
  core.leadership_.ensure_led();
}

bool PendingConnect::cancel(CallCanceller::Scope) {
  const engine::Lock lock(core.engine_.mutex());
  if (self_ == nullptr) return false;
  core.engine_.cancel_timer(*this);
  core.give_up(*this, Errc::cancelled);
  core.leadership_.ensure_led();
  return true;
}

void PendingConnect::finish(const PeerResult& result) {
  core.defer([self = std::exchange(self_, nullptr), result] { self->complete(result); });
}

void PendingConnect::complete(PeerResult result) {
  if (endpoint_) result = core.connected(*endpoint_, uri_, options_, std::move(result));
  auto done = std::exchange(done_, nullptr);  // what it holds goes before the node may end
  try {
    if (result.has_error()) {
      done(std::move(result).error());
    } else {
      done(Peer(std::move(*result)));
    }
  } catch (const std::exception& e) {
    core.log(LogLevel::error, std::string("the completion of a connect threw: ") + e.what());
  } catch (...) {
    core.log(LogLevel::error, "the completion of a connect threw an exception of unknown type");
  }
  const engine::Lock lock(core.engine_.mutex());
  --core.detached_connects_;
}

void start_connect(const std::shared_ptr<NodeCore>& core, std::string_view uri,
                   const ConnectOptions& options, ConnectCompletion done,
                   CallCanceller* canceller) {
  const auto connect = std::make_shared<PendingConnect>(*core, uri, options, std::move(done));
  if (canceller != nullptr) *canceller = CallCanceller(connect);
  connect->start();
}

}  // namespace detail

NodeExecutor NodeCore::executor() {
  return NodeExecutor(worker_context_);
}

}  // namespace trestle
