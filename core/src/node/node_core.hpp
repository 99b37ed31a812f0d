// What a Node is made of, and how the parts talk to each other.
#pragma once

#include <trestle/node.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "dispatch/worker_pool.hpp"
#include "engine/engine.hpp"
#include "node/drivable.hpp"
#include "node/wait.hpp"
#include "peers/connection.hpp"
#include "peers/endpoint.hpp"
#include "peers/peer_table.hpp"
#include "plugin_loading/plugin_registry.hpp"
#include "registry/handler_registry.hpp"

namespace trestle {

/// Threads: any, where not said otherwise. One mutex, the engine's, guards connections, peers and
/// calls; it is never held while handlers, completions or log functions run.
class NodeCore final : public std::enable_shared_from_this<NodeCore>,
                       private engine::EngineEvents,
                       private engine::ListenEvents,
                       private peers::ConnectionEvents,
                       private dispatch::DispatchEvents,
                       private detail::Drivable {
 public:
  NodeCore(Node& node, NodeOptions options);
  ~NodeCore();

  /// Second half of construction: what needs shared_from_this().
  void start();
  Result<void> close();
  /// After close(): nothing of the node runs any more.
  void join();

  const InstanceId& instance_id() const noexcept { return instance_; }
  std::uint64_t incarnation() const noexcept { return incarnation_; }
  TimePoint now() const noexcept override { return engine_.now(); }
  NodeCounters counters();

  Result<void> add_handler(Handler handler) { return handlers_.add(std::move(handler)); }
  Result<std::string> listen(std::string_view uri);
  Result<peers::PeerLinkPtr> connect(std::string_view uri, const ConnectOptions& options);
  peers::PeerLinkPtr peer(const InstanceId& id);
  void after(std::chrono::nanoseconds delay, std::function<void()> function);
  std::size_t poll();
  /// Logs at once, on this thread.
  void report(const Error& error) { log_(LogLevel::warning, error.text); }

  // ---- Behind Peer ----
  Result<Encoded> invoke(const peers::PeerLinkPtr& link, std::string_view handler,
                         DeliveryMode mode, Encoded argument, const CallOptions& options);
  Result<Encoded> invoke_system(const peers::PeerLinkPtr& link, std::string_view handler,
                                const CallOptions& options);
  void start_call(const peers::PeerLinkPtr& link, std::string_view handler,
                  Result<Encoded> argument, const CallOptions& options,
                  detail::CallCompletion done);
  Result<MessageId> admit(const peers::PeerLinkPtr& link, std::string_view handler,
                          Encoded argument);
  Result<std::chrono::nanoseconds> ping(const peers::PeerLinkPtr& link, const CallOptions& options);
  InstanceId id_of(const detail::PeerLink& link);
  bool is_connected(const peers::PeerLinkPtr& link);
  void disconnect(const peers::PeerLinkPtr& link);

 private:
  using PeerResult = Result<peers::PeerLinkPtr>;

  /// Waits for a connection that comes up.
  struct ConnectWaiter final : Awaited<PeerResult>, engine::Timer {
    explicit ConnectWaiter(NodeCore& c) noexcept : core(c) {}
    void expire() override { core.give_up(*this); }
    NodeCore& core;
  };

  /// A connection of ours that is coming up, and who waits for it.
  struct Dial {
    std::shared_ptr<peers::Connection> connection;
    std::vector<ConnectWaiter*> waiters;
  };

  /// Completes a call that nobody blocks for, and goes.
  struct DetachedOutcome final : calls::CallSink {
    explicit DetachedOutcome(detail::CallCompletion d) : done(std::move(d)) {}
    void complete(Result<Encoded> outcome) noexcept override {
      const std::unique_ptr<DetachedOutcome> self(this);
      done(std::move(outcome));
    }
    detail::CallCompletion done;
  };

  /// A call under way.
  struct Started {
    std::shared_ptr<peers::Connection> connection;
    wire::CallId call;
  };

  struct OneShot final : engine::Timer {
    OneShot(NodeCore& c, std::function<void()> f) : core(c), function(std::move(f)) {}
    void expire() override { core.fire(*this); }
    NodeCore& core;
    std::function<void()> function;
    std::list<OneShot>::iterator self;
  };

  struct Completion {
    calls::CallSink* sink;
    Result<Encoded> outcome;
  };
  using Action = std::variant<Completion, std::function<void()>>;

  // EngineEvents
  std::size_t run_actions() override;
  bool has_work() const override;
  void on_transport_failed(engine::Transport& transport) override;
  // ListenEvents
  engine::LinkEvents& on_accepted(engine::Transport& transport, tt_conn* conn) override;
  // ConnectionEvents
  wire::Hello own_hello(std::uint32_t number) const override;
  Result<void> on_hello(peers::Connection& connection, const peers::PeerFacts& peer) override;
  void on_open(peers::Connection& connection) override;
  void on_request(peers::Connection& connection, const wire::Request& request,
                  std::string_view handler, engine::PacketSource& source) override;
  void on_outcome(calls::CallSink& sink, Result<Encoded> outcome) override;
  void on_stray_outcome() override { ++stray_outcomes_; }
  void on_rejected(peers::Connection& connection, const wire::Rejected& rejected) override;
  void on_protocol_error(peers::Connection& connection, const Error& error) override;
  void on_refused(peers::Connection& connection, const Error& why) override;
  void on_closed(peers::Connection& connection, const Error& why) override;
  void on_output(peers::Connection& connection) override;
  bool has_loopback_room(peers::Connection& from, std::size_t bytes) override;
  void on_loopback(peers::Connection& to, Payload packet) override;
  // DispatchEvents
  Node& node() override { return node_; }
  std::shared_ptr<void> keep_alive() override { return shared_from_this(); }
  void defer(std::function<void()> action) override;
  void send(const std::function<void()>& send) override;
  void log_handler_error(std::string_view handler, const Error& error) override;
  // Drivable
  std::size_t turn() override;
  std::optional<TimePoint> next_timer() override;
  bool waits_on_kernel() override;
  void nap(std::chrono::nanoseconds at_most) override;

  void stop_requested();
  void drive();
  void close_connections(TimePoint drain_deadline);
  void stop_driving();
  Result<void> end();
  std::vector<std::shared_ptr<peers::Connection>> connections_left();
  void run(Action& action);
  std::size_t deliver_loopback();
  void flush_outputs();
  void fire(OneShot& timer);
  /// Logs from the driver, without a lock: what reports may hold the engine's.
  void log(LogLevel level, std::string text);
  LogFunction deferred_log();
  Result<void> register_system_handlers();
  void make_loopback();

  std::shared_ptr<peers::Connection> new_connection(peers::Opener opener);
  Result<std::shared_ptr<peers::Connection>> dial(const peers::Endpoint& endpoint,
                                                  std::string_view uri, TimePoint deadline);
  void give_up(ConnectWaiter& waiter);
  void finish_dial(peers::Connection& connection, const PeerResult& result);
  /// A handle made before the peer was first seen, or after it came back, follows the table.
  peers::PeerLinkPtr current(const peers::PeerLinkPtr& link) const;
  Result<peers::Connection*> route(const peers::PeerLinkPtr& link, TimePoint deadline);

  Result<void> check_call(std::string_view handler) const;
  Result<void> may_wait_here() const;
  std::optional<TimePoint> deadline_of(const CallOptions& options) const;
  static PeerResult check_expected(const peers::PeerLinkPtr& link, const ConnectOptions& options);
  Result<Encoded> call(const peers::PeerLinkPtr& link, peers::OutgoingRequest request);
  /// Starts a call under the lock and waits for its outcome without it.
  Result<Encoded> wait_for_outcome(
      const std::function<Result<void>(AwaitedOutcome&, Started&)>& start);
  bool wait_for(const std::function<bool()>& done, const std::function<void()>& block);
  bool wait_until(const std::function<bool()>& done, TimePoint deadline);

  Node& node_;
  const NodeOptions options_;
  const InstanceId instance_;
  const std::uint64_t incarnation_;
  const LogFunction log_;
  mutable std::mutex actions_mutex_;  // taken after the engine's lock, if both
  std::vector<Action> actions_;
  plugin_loading::PluginRegistry plugins_;
  registry::HandlerRegistry handlers_;
  engine::Engine engine_;
  dispatch::WorkerPool pool_;
  dispatch::Dispatcher dispatcher_;
  peers::PeerTable peers_;

  // Under the engine's lock.
  std::map<peers::Connection*, std::shared_ptr<peers::Connection>> connections_;
  std::vector<Dial> dials_;
  std::vector<std::shared_ptr<peers::Connection>> outputs_;
  std::vector<std::pair<std::shared_ptr<peers::Connection>, Payload>> loopback_;
  std::vector<std::pair<std::shared_ptr<peers::Connection>, Payload>> turn_packets_;
  std::vector<std::shared_ptr<peers::Connection>> loopback_blocked_;
  std::size_t loopback_bytes_ = 0;  // in loopback_
  std::list<OneShot> one_shots_;
  std::uint32_t connections_made_ = 0;
  std::uint64_t stray_outcomes_ = 0;
  std::uint64_t rejected_ = 0;
  std::uint64_t protocol_errors_ = 0;
  bool closing_ = false;
  bool closed_ = false;
  bool ended_ = false;  // close() has done all it does

  std::condition_variable turned_;  // with the engine's lock: something may have changed
  std::atomic<bool> stop_driving_{false};
  std::thread driver_thread_;
  std::thread closer_;  // closes the node when a handler asks for it
  std::optional<std::stop_callback<std::function<void()>>> stop_callback_;
};

}  // namespace trestle
