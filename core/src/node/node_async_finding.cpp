// Finding other nodes, telling them all, and closing, while nobody blocks.
#include <trestle/detail/node_operations.hpp>
#include <trestle/detail/system_question.hpp>

#include <atomic>
#include <mutex>
#include <utility>

#include "node/node_core.hpp"
#include "node/route_search.hpp"

namespace trestle::detail {
namespace {

std::optional<TimePoint> deadline_of(NodeCore& core, const ConnectOptions& options) {
  return core.calls().deadline_of({.timeout = options.timeout}, core.now());
}

/// Steps that follow each other, as one operation. The step that is under way keeps it, and each
/// of them ends.
class Steps : public Cancellable, public std::enable_shared_from_this<Steps> {
 public:
  virtual ~Steps() = default;

  bool cancel(CallCanceller::Scope scope) override {
    std::unique_lock lock(mutex_);
    // It may be between two of them.
    is_cancelled_ = is_cancelled_ || scope == CallCanceller::Scope::any;
    const CallCanceller step = step_;
    lock.unlock();
    return step.cancel(scope);
  }

 protected:
  /// `start(canceller)` begins the next one, which may end, and lead to another, right there.
  template <class Start>
  void begin(Start start) {
    std::unique_lock lock(mutex_);
    const std::size_t number = ++steps_begun_;
    step_ = {};
    lock.unlock();
    CallCanceller canceller;
    start(&canceller);
    lock.lock();
    if (number != steps_begun_) return;
    step_ = canceller;
    const bool was_cancelled = is_cancelled_;
    lock.unlock();
    if (was_cancelled) canceller.cancel();
  }

  template <class Self>
  std::shared_ptr<Self> self() {
    return std::static_pointer_cast<Self>(shared_from_this());
  }

 private:
  std::mutex mutex_;
  CallCanceller step_;
  std::size_t steps_begun_ = 0;
  bool is_cancelled_ = false;
};

/// Makes it and fills in the canceller before it begins.
template <class Operation, class... Arguments>
void launch_steps(CallCanceller* canceller, Arguments&&... arguments) {
  const auto steps = std::make_shared<Operation>(std::forward<Arguments>(arguments)...);
  if (canceller != nullptr) *canceller = CallCanceller(steps);
  steps->go_on();
}

class RouteConnect final : public Steps {
 public:
  RouteConnect(const std::shared_ptr<NodeCore>& core, const PeerInfo& peer, const Ways& ways,
               const ConnectOptions& options, ConnectCompletion&& done)
      : core_(core),
        peer_(peer.instance_id),
        ways_(ways),
        options_(options),
        search_(ways, core->connected_at(peer.instance_id, ways.uris), deadline_of(*core, options)),
        done_(std::move(done)) {
    if (!options_.expect) options_.expect = peer_;
  }

  void go_on() {
    const std::string* uri = search_.next(core_->now());
    if (uri == nullptr) return end(all_failed(to_string(peer_), search_.failures()));
    options_.timeout = search_.part(core_->now());
    begin([&](CallCanceller* canceller) {
      const auto tried = [kept = self<RouteConnect>()](Result<Peer> connected) {
        kept->tried(std::move(connected));
      };
      start_connect(core_, *uri, options_, tried, canceller);
    });
  }

 private:
  void tried(Result<Peer> connected) {
    if (connected.has_value()) {
      core_->set_routes(peer_, ways_);
      return end(std::move(connected));
    }
    if (connected.error().is(Errc::cancelled) || connected.error().is(Errc::shut_down)) {
      return end(std::move(connected));
    }
    search_.failed(std::move(connected).error());
    go_on();
  }
  void end(Result<Peer> outcome) { std::exchange(done_, nullptr)(std::move(outcome)); }

  const std::shared_ptr<NodeCore> core_;
  const InstanceId peer_;
  const Ways ways_;
  ConnectOptions options_;
  RouteSearch search_;
  ConnectCompletion done_;
};

class Discovery final : public Steps {
 public:
  Discovery(const std::shared_ptr<NodeCore>& core, std::string_view uri,
            const ConnectOptions& options, DiscoveryCompletion&& done)
      : core_(core),
        known_(*core),
        uri_(uri),
        options_(options),
        deadline_(deadline_of(*core, options)),
        done_(std::move(done)) {}

  void go_on() {
    begin([&](CallCanceller* canceller) {
      const auto connected = [kept = self<Discovery>()](const Result<Peer>& peer) {
        kept->connected(peer);
      };
      start_connect(core_, uri_, options_, connected, canceller);
    });
  }

 private:
  void connected(const Result<Peer>& peer) {
    if (peer.has_error()) return end(peer.error());
    peer_ = peer->instance_id();
    begin([&](CallCanceller* canceller) {
      const auto answered = [kept = self<Discovery>()](Result<Encoded>&& answer) {
        kept->known_.leave(kept->peer_);
        kept->end(ReadIdentity()(std::move(answer)));
      };
      const CallOptions in_time{.timeout = time_until(deadline_, core_->now())};
      core_->calls().start_system(
          {core_->peer(peer_), "_discover", DeliveryMode::with_response, in_time},
          {Codec::msgpack, {}, {}}, answered, canceller);
    });
  }
  void end(Result<PeerInfo> outcome) { std::exchange(done_, nullptr)(std::move(outcome)); }

  const std::shared_ptr<NodeCore> core_;
  const Acquaintances known_;
  const std::string uri_;
  const ConnectOptions options_;
  const std::optional<TimePoint> deadline_;
  InstanceId peer_{};
  DiscoveryCompletion done_;
};

class AnyDiscovery final : public Steps {
 public:
  AnyDiscovery(const std::shared_ptr<NodeCore>& core, const WorkerAddress& address,
               const ConnectOptions& options, DiscoveryCompletion&& done)
      : core_(core),
        options_(options),
        search_(Ways(address), {}, deadline_of(*core, options)),
        done_(std::move(done)) {}

  void go_on() {
    const std::string* uri = search_.next(core_->now());
    if (uri == nullptr) return end(nobody_discovered(search_.failures()));
    options_.timeout = search_.part(core_->now());
    begin([&](CallCanceller* canceller) {
      const auto asked = [kept = self<AnyDiscovery>()](Result<PeerInfo> found) {
        kept->asked(std::move(found));
      };
      start_discovery(core_, *uri, options_, asked, canceller);
    });
  }

 private:
  void asked(Result<PeerInfo> found) {
    if (found.has_value() || found.error().is(Errc::cancelled) ||
        found.error().is(Errc::shut_down)) {
      return end(std::move(found));
    }
    search_.failed(std::move(found).error());
    go_on();
  }
  void end(Result<PeerInfo> outcome) { std::exchange(done_, nullptr)(std::move(outcome)); }

  const std::shared_ptr<NodeCore> core_;
  ConnectOptions options_;
  RouteSearch search_;
  DiscoveryCompletion done_;
};

/// One call to each peer at the same time; the last one to end ends it.
class PendingBroadcast final : public Cancellable,
                               public std::enable_shared_from_this<PendingBroadcast> {
 public:
  PendingBroadcast(std::vector<peers::PeerLinkPtr>&& links, BroadcastCompletion&& done)
      : links_(std::move(links)), left_(links_.size() + 1), done_(std::move(done)) {
    for (const auto& link : links_) outcomes_.push_back({Peer(link), {}});
  }

  void begin(OutgoingCalls& calls, std::string_view handler, const Encoded& argument,
             const CallOptions& options) {
    const std::shared_ptr<PendingBroadcast> self = shared_from_this();
    for (std::size_t i = 0; i < links_.size(); ++i) {
      CallCanceller canceller;
      calls.start(
          {links_[i], handler, DeliveryMode::confirmed, options},
          Encoded{argument.codec, Payload::copy(argument.payload.view()), argument.headers},
          [self, i](const Result<Encoded>& outcome) { self->ended(i, outcome); }, &canceller);
      add(canceller);
    }
    end_one();
  }

  /// Of each.
  void fail(const Error& why) {
    for (PeerOutcome& one : outcomes_) one.outcome = why;
    std::exchange(done_, nullptr)(std::move(outcomes_));
  }

  bool cancel(CallCanceller::Scope scope) override {
    std::unique_lock lock(mutex_);
    is_cancelled_ = is_cancelled_ || scope == CallCanceller::Scope::any;
    const std::vector<CallCanceller> begun = begun_;
    lock.unlock();
    bool cancelled = false;
    for (const CallCanceller& call : begun) cancelled = call.cancel(scope) || cancelled;
    return cancelled;
  }

 private:
  void add(const CallCanceller& call) {
    std::unique_lock lock(mutex_);
    begun_.push_back(call);
    const bool was_cancelled = is_cancelled_;
    lock.unlock();
    if (was_cancelled) call.cancel();
  }
  void ended(std::size_t i, const Result<Encoded>& outcome) {
    if (outcome.has_error()) outcomes_[i].outcome = outcome.error();
    end_one();
  }
  void end_one() {
    // acq_rel: whoever ends last sees what the others wrote.
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    std::exchange(done_, nullptr)(std::move(outcomes_));
  }

  const std::vector<peers::PeerLinkPtr> links_;
  std::atomic<std::size_t> left_;      // calls, and their making
  std::vector<PeerOutcome> outcomes_;  // each written by the end of its call
  BroadcastCompletion done_;
  std::mutex mutex_;
  std::vector<CallCanceller> begun_;
  bool is_cancelled_ = false;
};

}  // namespace

void start_connect(const std::shared_ptr<NodeCore>& core, const PeerInfo& peer,
                   const ConnectOptions& options, ConnectCompletion done,
                   CallCanceller* canceller) {
  const Ways ways(core->plan_route(peer));
  launch_steps<RouteConnect>(canceller, core, peer, ways, options, std::move(done));
}

void start_discovery(const std::shared_ptr<NodeCore>& core, std::string_view uri,
                     const ConnectOptions& options, DiscoveryCompletion done,
                     CallCanceller* canceller) {
  launch_steps<Discovery>(canceller, core, uri, options, std::move(done));
}

void start_discovery(const std::shared_ptr<NodeCore>& core, const WorkerAddress& address,
                     const ConnectOptions& options, DiscoveryCompletion done,
                     CallCanceller* canceller) {
  launch_steps<AnyDiscovery>(canceller, core, address, options, std::move(done));
}

void start_broadcast(const std::shared_ptr<NodeCore>& core, std::string_view handler,
                     std::shared_ptr<const Result<Encoded>> argument, const CallOptions& options,
                     BroadcastCompletion done, CallCanceller* canceller) {
  const auto all = std::make_shared<PendingBroadcast>(core->peers(), std::move(done));
  if (argument->has_error()) return all->fail(argument->error());
  if (canceller != nullptr) *canceller = CallCanceller(all);
  CallOptions together = options;
  together.deadline = core->calls().deadline_of(options, core->now());
  together.timeout = std::chrono::nanoseconds::max();
  all->begin(core->calls(), handler, **argument, together);
}

void start_close(const std::shared_ptr<NodeCore>& core, CloseCompletion done) {
  core->close_soon(std::move(done));
}

}  // namespace trestle::detail
