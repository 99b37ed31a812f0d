// What a Node is made of, and how the parts talk to each other.
#pragma once

#include <trestle/detail/node_operations.hpp>
#include <trestle/health.hpp>
#include <trestle/node.hpp>
#include <trestle/route.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "dispatch/worker_context.hpp"
#include "dispatch/worker_pool.hpp"
#include "engine/engine.hpp"
#include "engine/hold_watch.hpp"
#include "engine/leadership.hpp"
#include "memory/block_allocator.hpp"
#include "node/admin_handlers.hpp"
#include "node/call_host.hpp"
#include "node/drivable.hpp"
#include "node/leader_work.hpp"
#include "node/loopback.hpp"
#include "node/node_log.hpp"
#include "node/outgoing_calls.hpp"
#include "node/redials.hpp"
#include "node/retries.hpp"
#include "node/system_handlers.hpp"
#include "peers/backlog.hpp"
#include "peers/connection.hpp"
#include "peers/contests.hpp"
#include "peers/endpoint.hpp"
#include "peers/heartbeat.hpp"
#include "peers/peer_event_log.hpp"
#include "peers/peer_table.hpp"
#include "peers/strangers.hpp"
#include "platform/fork_witness.hpp"
#include "plugin_loading/plugin_registry.hpp"
#include "registry/handler_registry.hpp"

namespace trestle {
namespace detail {
class PendingConnect;
}
struct Ways;

/// Threads: any, where not said otherwise. One mutex, the engine's, guards connections, peers and
/// calls; it is never held while handlers, completions or log functions run.
class NodeCore final : public std::enable_shared_from_this<NodeCore>,
                       private engine::EngineEvents,
                       private engine::Turns,
                       private engine::HoldEvents,
                       private engine::ListenEvents,
                       private peers::ConnectionEvents,
                       private dispatch::DispatchEvents,
                       private CallHost,
                       private RedialHost,
                       private detail::Drivable,
                       private platform::ForkWitness {
 public:
  NodeCore(Node& node, NodeOptions options);
  ~NodeCore();

  /// Second half of construction: what needs shared_from_this().
  void start();
  Result<void> close();
  /// Does so while the present thread goes on, unless it drives by hand; then tells.
  void close_soon(detail::CloseCompletion done);
  /// After close(): nothing of the node runs any more.
  void join();
  /// Whether this process was forked from the one that made the node: none of its threads is here,
  /// and its descriptors are the parent's.
  bool is_of_the_parent() const noexcept { return of_the_parent_; }
  /// What is here stays as it is for good: instead of join() then, or where a turn does not end.
  void abandon();
  /// Whether its destructor would wait for the code that it runs in.
  bool must_end_later() const;
  /// Closes and joins it from elsewhere, since its Node is being destroyed.
  static void end_later(std::shared_ptr<NodeCore> core);
  /// Why a closed node does nothing.
  Error closed_error() const;

  const InstanceId& instance_id() const noexcept { return instance_; }
  std::uint64_t incarnation() const noexcept { return incarnation_; }
  TimePoint now() const noexcept override { return engine_.now(); }
  NodeCounters counters();
  DispatchCounts dispatch_counts();
  NodeStatistics statistics();
  std::stop_token stop_token() const noexcept { return stop_source_.get_token(); }

  registry::HandlerRegistry& handlers() noexcept { return handlers_; }
  std::shared_ptr<peers::PeerEventLog> peer_events() const noexcept { return peer_events_; }
  Result<void> remove_handler(std::string_view name);
  Result<std::string> listen(std::string_view uri);
  Result<peers::PeerLinkPtr> connect(std::string_view uri, const ConnectOptions& options);
  peers::PeerLinkPtr peer(const InstanceId& id);
  std::vector<peers::PeerLinkPtr> peers();
  /// Where this node listens, as others can use it.
  std::vector<std::string> endpoints();
  static HostId host_id();
  /// Loads plugins: without the lock.
  RoutePlan plan_route(const PeerInfo& peer);
  std::vector<RouteOption> options_of(const std::string& uri) const;
  /// Where that peer can be dialled, nearest first, from now on.
  /// A connection that was dialled elsewhere takes no new calls.
  peers::PeerLinkPtr set_routes(const InstanceId& id, const Ways& ways);
  /// Which of these endpoints connects that peer already; empty: none.
  std::string connected_at(const InstanceId& id, const std::vector<std::string>& routes);
  void after(std::chrono::nanoseconds delay, std::function<void()> function);
  std::size_t poll();
  NodeExecutor executor();
  /// Logs at once, on this thread.
  void report(const Error& error) { log_.write(LogLevel::warning, error.text); }

  // ---- Behind Peer ----
  OutgoingCalls& calls() noexcept { return calls_; }
  Retries& retries() noexcept { return retries_; }
  InstanceId id_of(const detail::PeerLink& link);
  bool is_connected(const peers::PeerLinkPtr& link);
  /// As far as it is known without asking the peer.
  TransportHealth transport_of(const peers::PeerLinkPtr& link);
  void disconnect(const peers::PeerLinkPtr& link);
  /// The same, unless more than one connect() led there.
  void disconnect_if_unshared(const peers::PeerLinkPtr& link);

 private:
  friend class detail::PendingConnect;

  using PeerResult = Result<peers::PeerLinkPtr>;
  using ConnectionPtr = std::shared_ptr<peers::Connection>;

  /// Waits for a connection that comes up. Under the engine's lock.
  struct ConnectWaiter : engine::Timer {
    explicit ConnectWaiter(NodeCore& c) noexcept : core(c) {}
    void expire() final { core.give_up(*this, Errc::deadline_exceeded); }
    virtual void finish(const PeerResult& result) = 0;
    NodeCore& core;
  };
  struct BlockedConnect final : ConnectWaiter, engine::Waiter {
    using ConnectWaiter::ConnectWaiter;
    void finish(const PeerResult& r) override {
      result = r;
      core.leadership_.finish(*this);
    }
    PeerResult result = Error(Errc::would_block_for_ever, "nothing is left that could answer");
  };

  /// A connection of ours that is coming up, and who waits for it.
  struct Dial {
    ConnectionPtr connection;
    std::vector<ConnectWaiter*> waiters;
  };

  /// Only makes a turn happen.
  struct Alarm final : engine::Timer {
    void expire() override {}
  };

  /// One for all who wait for handlers, however many they are.
  struct WaitAlarm final : engine::Timer {
    explicit WaitAlarm(NodeCore& c) noexcept : core(c) {}
    void expire() override {
      core.defer([&handlers = core.system_handlers_] { handlers.on_time(); });
    }
    NodeCore& core;
  };

  struct LineAlarm final : engine::Timer {
    explicit LineAlarm(NodeCore& c) noexcept : core(c) {}
    void expire() override {
      core.defer([&log = core.log_] { log.tell_due(); });
    }
    NodeCore& core;
  };
  /// Likewise for messages, batches and lanes that wait for a time.
  struct DispatchAlarm final : engine::Timer {
    explicit DispatchAlarm(NodeCore& c) noexcept : core(c) {}
    void expire() override {
      core.defer([&dispatcher = core.dispatcher_] { dispatcher.on_time(); });
    }
    NodeCore& core;
  };

  struct OneShot final : engine::Timer {
    OneShot(NodeCore& c, Action f) : core(c), function(std::move(f)) {}
    void expire() override { core.fire(*this); }
    NodeCore& core;
    Action function;
    std::list<OneShot>::iterator self;
  };

  // ForkWitness
  void before_fork() override { engine_.mutex().lock(); }
  void after_fork() override { engine_.mutex().unlock(); }
  void after_fork_in_child() override;
  // EngineEvents
  bool has_work() const override;
  void on_transport_failed(engine::Transport& transport) override;
  // Turns
  std::size_t turn(engine::Lock& lock) override;
  bool must_be_led() const override;
  // ListenEvents
  engine::LinkEvents& on_accepted(engine::Transport& transport, tt_conn* conn) override;
  // ConnectionEvents
  wire::Hello own_hello(std::uint32_t number) const override;
  Result<peers::Admission> on_hello(peers::Connection& connection,
                                    const peers::PeerFacts& peer) override;
  void on_open(peers::Connection& connection) override;
  void on_request(peers::Connection& connection, wire::Request& request,
                  peers::HandlerName& handler, engine::PacketSource& source) override;
  registry::Entry* find_direct(peers::Connection& connection, const wire::PlainFrame& message,
                               peers::HandlerName& handler) override {
    return dispatcher_.find_direct(connection, message, handler);
  }
  void on_train(std::shared_ptr<dispatch::Train> train) override;
  void on_cancel(std::shared_ptr<dispatch::KeptMessage> message) override;
  void on_caller_lost(std::shared_ptr<dispatch::KeptMessage> message) override;
  void on_admitted(peers::BlockedSend& send, Result<wire::CallId> admitted) override;
  std::vector<Payload>& spent_payloads() override { return spent_; }
  void on_stray_outcome() override { ++stray_outcomes_; }
  void on_rejected(peers::Connection& connection, const wire::Rejected& rejected) override;
  void on_protocol_error(peers::Connection& connection, const Error& error) override;
  void on_damage(peers::Connection& connection, const Error& error) override;
  void on_refused(peers::Connection& connection, const Error& why) override;
  void on_messages_lost(peers::Connection& connection, const Error& why,
                        const peers::Losses& lost) override;
  void tell_lost(const peers::Connection& connection, const Error& why, const peers::Losses& lost);
  void tell_lost(const LostMessage& message);
  void on_closed(peers::Connection& connection, const Error& why) override;
  void on_output(peers::Connection& connection) override;
  void on_input_waiting(peers::Connection& connection) override { backlog_.add(connection); }
  bool has_loopback_room(peers::Connection& from, std::size_t bytes) override;
  void on_loopback(peers::Connection& to, Payload packet) override;
  // DispatchEvents
  // acquire: pairs with the release in end_later().
  Node& node() override { return *maker_.load(std::memory_order_acquire); }
  std::shared_ptr<void> keep_alive() override { return shared_from_this(); }
  TimePoint recent_time() noexcept override { return engine_.recent_time(); }
  dispatch::Message& deliver(Payload&& payload) override {
    auto& message = work_.items.add().emplace<dispatch::Message>();
    message.payload = std::move(payload);
    return message;
  }
  void defer(Action action) override;
  void answer_in_turn(dispatch::Answer&& answer) override;
  void reply_in_turn(peers::Connection& connection, wire::CallId call, Encoded&& reply) override;
  void answer(dispatch::Answer answer) override;
  void bury(std::shared_ptr<void> spent) override { buried_.push_back(std::move(spent)); }
  void on_idle() override;
  void log_handler_error(std::string_view handler, const Error& error) override;
  bool find_successor(peers::Connection& ended, Error& why) override;
  // RedialHost
  ConnectionPtr make_waiting(detail::PeerLink& link) override;
  ConnectionPtr make_successor(peers::Connection& lost) override;
  Result<void> begin(peers::Connection& connection) override;
  Result<peers::Connection*> dial_again(detail::PeerLink& link,
                                        std::chrono::nanoseconds at_most) override;
  bool may_redial() const override;
  void warn(std::string text) override { log(LogLevel::warning, std::move(text)); }
  void look_at(TimePoint time) override { arm_by(dispatch_alarm_, time); }
  // HoldEvents
  bool runs_user_code() const override { return turns_on_stack_ != 0; }
  std::optional<std::chrono::nanoseconds> hold_tolerance() const override;
  void on_held(engine::Lock& lock, std::chrono::nanoseconds at_least) override;
  // CallHost
  Result<peers::Connection*> route(detail::PeerLink& link, TimePoint deadline) override;
  Result<void> may_wait_here() const override;
  bool wait(engine::Lock& lock, engine::Waiter& waiter) override;
  bool is_in_turn() const override;
  void flush_outputs() override;
  /// At the end of a turn: calls may wait for others.
  void flush_turn();
  /// Before user code runs: all but calls that wait for others.
  void flush_before_work();
  /// All but those of which `waits(connection)` is true.
  template <class Waits>
  void flush_outputs_but(Waits waits);
  void flush_all() override;
  void flush_soon(const peers::Connection& connection, TimePoint now) override;
  void flush_full(peers::Connection& connection, TimePoint now) override;
  void drop_spent(engine::Lock& lock) override;
  void complete_soon(std::shared_ptr<detail::CallState> call) override;
  void complete_soon(PlainCallPtr call) override;
  bool is_undriven() const override { return undriven_; }
  bool is_closing() const override { return closing_.load(); }
  void log(LogLevel level, std::string text) override { log_.add(level, std::move(text)); }
  // Drivable
  std::size_t turn() override;
  std::optional<TimePoint> next_timer() override;
  bool waits_on_kernel() override;
  void nap(std::chrono::nanoseconds at_most) override;

  void stop_requested();
  /// Closes the node from a thread made for it, unless that was asked for before.
  void close_elsewhere();
  void tell_close_waiters(const Result<void>& outcome);
  /// A peer wants this node to end.
  void shut_down_for_peer(const Context& context);
  /// Why its sender may not administer this node; empty: it may.
  std::optional<Error> refuse_administration(const Context& context);
  void forget_peer(const InstanceId& id);
  /// Which handlers have messages under way, and how many.
  std::string busy_handlers() const;
  /// Says how far the end of this node has come. Lock held.
  void say_goodbye(peers::Connection& connection);
  /// Requests that are on their way still get no answer: their senders know then that none ran.
  void tell_drained();
  void close_connections(TimePoint drain_deadline);
  /// False: a turn does not end, and nothing that it may use can be destroyed.
  bool stop_driving();
  bool is_in_user_code();
  /// The user code that the leader runs.
  std::string what_holds_turn() const;
  /// Nothing follows in it, should it end; nobody else drives either.
  void abandon_turn();
  void destroy_all();
  void end_by_hand();
  void end_orphan();
  void give_up_waiting();
  Result<void> end();
  std::vector<ConnectionPtr> connections_left();
  std::vector<std::shared_ptr<dispatch::KeptMessage>> messages_left();

  /// A turn but for what was sent in it, which stays for the caller to destroy.
  std::size_t run_turn(engine::Lock& lock);
  std::size_t run_work(engine::Lock& lock);
  /// Whether others ran before an item in its turn.
  enum class Place { first, later };
  /// The next of what waits.
  void run_next(Place place);
  /// Runs it without the lock, as part of the present turn.
  template <class Code>
  void run_user_code(engine::Lock& lock, Code code);
  void run(Action& action);
  void run_train();
  void give(dispatch::Answer& answer);
  void send_answers();
  /// One that was sent, to be destroyed without the lock; empty if there is none.
  Payload take_spent();
  void release_held_outputs(TimePoint now);
  /// Nothing on any stack, and no message of the leader's, names what was buried. Lock held.
  bool may_drop_buried() const noexcept { return turns_on_stack_ == 0 && work_.empty(); }
  std::vector<std::shared_ptr<void>> take_buried();
  void fire(OneShot& timer);
  NodeLog::Services log_services();
  Result<void> register_system_handlers();
  Result<void> register_admin_handlers();
  /// Unless it is due earlier, or nothing is driven any more. Lock not held.
  void arm_by(engine::Timer& alarm, TimePoint time);
  void make_loopback();

  /// The options of an endpoint that are the node's. Lock held.
  void apply(const peers::Endpoint& endpoint);
  ConnectionPtr new_connection(peers::Opener opener, std::uint32_t number);
  void make_room_for_strangers();
  Result<ConnectionPtr> dial(const peers::Endpoint& endpoint, std::string_view uri,
                             TimePoint deadline);
  Result<peers::Connection*> dial(detail::PeerLink& link, TimePoint deadline);
  Result<peers::Connection*> dial_once(detail::PeerLink& link, TimePoint deadline);
  /// For a peer that was not connected: what waits goes on to the next way.
  bool take_next_route(peers::Connection& ended, Error& why);
  /// The error of who has tried them in vain.
  static Error with_all_routes(const detail::PeerLink& link, const Error& last);
  /// Has the transport connect it.
  Result<void> attach(const ConnectionPtr& connection, const peers::Endpoint& endpoint);
  void give_up(ConnectWaiter& waiter, Errc why);
  /// Null: `waiter` will be told. Lock held.
  PeerResult connect_soon(const peers::Endpoint& endpoint, std::string_view uri,
                          const ConnectOptions& options, ConnectWaiter& waiter);
  /// What the application gets to hear. Lock not held.
  PeerResult connected(const peers::Endpoint& endpoint, std::string_view uri,
                       const ConnectOptions& options, PeerResult result);
  void finish_dial(peers::Connection& connection, const PeerResult& result);
  /// A handle made before the peer was first seen, or after it came back, follows the table.
  detail::PeerLink& current(detail::PeerLink& link) const;
  void disconnect_locked(const peers::PeerLinkPtr& link);
  static PeerResult check_expected(const peers::PeerLinkPtr& link, const ConnectOptions& options);
  bool wait_until(std::function<bool()> condition, TimePoint deadline);
  /// Something has changed that close() may wait for. Lock held.
  void check_awaited() {
    if (condition_waiter_ != nullptr) check_awaited_now();
  }
  void check_awaited_now();

  std::atomic<Node*> maker_;
  std::unique_ptr<Node> stand_in_;    // since that one is gone, and this is not
  std::shared_ptr<NodeCore> orphan_;  // this; a ManualDriver ends it
  bool ends_by_hand_ = false;         // in its next turn that is below none of its handlers
  const NodeOptions options_;
  const InstanceId instance_;
  const std::uint64_t incarnation_;
  DeferredActions deferred_;
  NodeLog log_;
  plugin_loading::PluginRegistry plugins_;
  registry::HandlerRegistry handlers_;
  system::SystemHandlers system_handlers_;
  system::AdminHandlers admin_handlers_;
  engine::Engine engine_;
  engine::Leadership leadership_;
  engine::HoldWatch hold_watch_;
  const std::shared_ptr<dispatch::WorkerPool> shared_pool_;
  dispatch::WorkerPool& pool_;
  const std::shared_ptr<detail::WorkerContext> worker_context_;
  dispatch::Dispatcher dispatcher_;
  OutgoingCalls calls_;
  Retries retries_;
  peers::PeerTable peers_;
  peers::Heartbeat heartbeat_;
  const std::shared_ptr<peers::PeerEventLog> peer_events_ = std::make_shared<peers::PeerEventLog>();
  Redials redials_;
  peers::Contests contests_;
  peers::LostMessagesLedger lost_messages_;  // under the engine's lock

  // Under the engine's lock.
  std::map<peers::Connection*, ConnectionPtr> connections_;
  std::vector<Payload> spent_;  // sent; to be destroyed without the lock
  // Connections that closed, handlers that were removed: the leader's work may still name them.
  std::vector<std::shared_ptr<void>> buried_;
  std::vector<Dial> dials_;
  Loopback loopback_;
  peers::UnsentTotal unsent_;
  peers::Strangers strangers_;
  peers::Backlog backlog_;
  LeaderWork work_;
  bool work_is_ours_ = false;  // a turn holds the lock: work_ may be touched
  int turns_on_stack_ = 0;
  std::optional<std::uint64_t> turn_told_of_;  // in the log, since it was held up
  // Written by the leader; relaxed: read to say what a turn is stuck in.
  std::atomic<const registry::Entry*> inline_now_{nullptr};
  std::atomic<bool> is_turn_abandoned_{false};  // relaxed: only ends what would go on for ever
  std::vector<peers::Connection*> outputs_;     // to flush at the end of the turn
  std::vector<peers::Connection*> held_;        // to flush at held_until_
  TimePoint held_until_{0};
  TimePoint flushed_at_{0};  // when a thread outside of turns last did
  Alarm hold_alarm_;
  std::size_t gathering_ = 0;  // the first so many of outputs_ wait for more calls
  Alarm gather_alarm_;
  WaitAlarm wait_alarm_{*this};
  LineAlarm line_alarm_{*this};
  DispatchAlarm dispatch_alarm_{*this};
  std::list<OneShot> one_shots_;
  std::vector<std::string> listening_;  // real URIs
  std::uint32_t connections_made_ = 0;
  std::uint64_t stray_outcomes_ = 0;
  std::uint64_t protocol_errors_ = 0;
  std::uint64_t packets_damaged_ = 0;
  Checksum checksum_ = options_.checksum;  // of connections that follow
  std::uint64_t strangers_closed_ = 0;
  std::uint64_t stale_refused_ = 0;
  std::size_t detached_connects_ = 0;  // which nobody blocks for
  bool serves_ = false;                // others may connect to this node
  // seq_cst: who closes sets it and then asks whether messages are running, a worker ends one and
  // then asks for it; one of the two sees the other.
  std::atomic<bool> closing_{false};
  bool closed_ = false;
  bool is_drained_ = false;     // it answered all that it took, and takes nothing more
  bool undriven_ = false;       // no turn follows that could run anything
  bool ended_ = false;          // close() has done all it does
  bool of_the_parent_ = false;  // this process is a fork of the one that made the node

  std::function<bool()> awaited_condition_;  // by close()
  engine::Waiter* condition_waiter_ = nullptr;
  std::condition_variable_any has_ended_;  // with the engine's lock
  std::vector<detail::CloseCompletion> close_waiters_;
  std::thread closer_;                   // closes the node when a handler asks for it
  std::atomic<bool> has_closer_{false};  // seq_cst: of several who ask, one makes the thread
  std::thread::id closing_thread_;       // in close()
  bool has_stuck_handlers_ = false;      // when close() was over
  std::stop_source stop_source_;         // of the application's tokens
  std::optional<std::stop_callback<std::function<void()>>> stop_callback_;
  platform::ForkWatch fork_watch_{*this};  // last: it locks what is above
};

}  // namespace trestle
