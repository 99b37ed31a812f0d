// A node's life: start, drive, close.
#include "node/node_core.hpp"

#include <trestle/manual_driver.hpp>

#include <algorithm>

#include "log/logger.hpp"
#include "node/driven_nodes.hpp"
#include "node/turn_scope.hpp"
#include "node/wait_limit.hpp"

namespace trestle {
namespace {

// Inline handlers that wait run others on the same stack, up to so deep.
constexpr int nested_waits_max = 16;

// What completions and timers lead to while the node ends, and lead to in turn.
constexpr int last_turns_max = 1000;

// What a stranger gets to take in that the node closes.
constexpr std::chrono::milliseconds last_greeting{100};

// What handlers get that were told to stop, after all that close() waits for.
constexpr std::chrono::seconds last_grace{1};

// Beyond the largest frame, a packet holds at most one more packet's worth of small frames.
constexpr std::size_t packet_overhead_bytes = 128 * 1024;

std::uint64_t incarnation_from_time_of_day() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count());
}

std::size_t worker_count(const NodeOptions& options) {
  if (options.driver != nullptr) return 0;
  if (options.workers != 0) return options.workers;
  return std::max<std::size_t>(2, std::thread::hardware_concurrency());
}

peers::Rhythm rhythm_of(const NodeOptions& options) {
  // Where nothing happens by itself, time may jump further than any peer can be silent.
  const auto by_default = std::chrono::seconds(options.driver != nullptr ? 0 : 1);
  return {.interval = options.heartbeat.value_or(by_default), .dead_after = options.dead_after};
}

LogLevel level_of(int level) {
  switch (level) {
    case TT_LOG_ERROR:
      return LogLevel::error;
    case TT_LOG_WARN:
      return LogLevel::warning;
    case TT_LOG_INFO:
      return LogLevel::info;
    default:
      return LogLevel::debug;
  }
}

engine::EngineOptions engine_options(const NodeOptions& options, LogFunction log,
                                     plugin_loading::PluginRegistry& plugins) {
  return {.clock = options.driver != nullptr ? options.driver->clock() : steady_clock(),
          .limits = {.packet_bytes_max = options.message_bytes_max + packet_overhead_bytes,
                     .queue_bytes_max = options.queue_bytes_max,
                     .linger = options.close_timeout,
                     .threads_allowed = options.driver == nullptr},
          .log = [log = std::move(log)](int level,
                                        std::string_view text) { log(level_of(level), text); },
          .find_plugin = [&plugins](std::string_view scheme) -> Result<engine::FoundPlugin> {
            const auto found = plugins.find(scheme);
            if (found.has_error()) return found.error();
            return engine::FoundPlugin{*found->descriptor, found->reach};
          }};
}

plugin_loading::SearchOptions search_options(LogFunction log) {
  auto options = plugin_loading::SearchOptions::of_process();
  options.log_info = [log = std::move(log)](const std::string& line) { log(LogLevel::info, line); };
  return options;
}

}  // namespace

NodeCore::NodeCore(Node& node, NodeOptions options)
    : maker_(&node),
      options_(std::move(options)),
      instance_(options_.instance_id ? *options_.instance_id : random_instance_id()),
      incarnation_(options_.incarnation ? *options_.incarnation : incarnation_from_time_of_day()),
      log_(options_.log, options_.log_interval, log_services()),
      plugins_(search_options(log_.outlet())),
      handlers_(instance_),
      system_handlers_(handlers_),
      admin_handlers_(handlers_),
      engine_(engine_options(options_, log_.outlet(), plugins_), *this),
      leadership_(engine_, *this, options_.driver != nullptr ? Spin::off : options_.spin),
      shared_pool_(std::make_shared<dispatch::WorkerPool>(worker_count(options_),
                                                          options_.spawn_queue_messages)),
      pool_(*shared_pool_),
      worker_context_(std::make_shared<detail::WorkerContext>(shared_pool_, log_.outlet())),
      dispatcher_(*this, handlers_, pool_,
                  {.messages = options_.spawn_queue_messages,
                   .bytes = options_.spawn_queue_bytes,
                   .requests = options_.requests_max,
                   .running = options_.concurrency_max}),
      calls_(*this, options_, engine_, leadership_, pool_),
      retries_(
          *this, calls_, engine_, leadership_, pool_,
          [this](auto delay, auto function) { after(delay, std::move(function)); },
          std::hash<InstanceId>{}(instance_)),
      peers_(instance_),
      heartbeat_(engine_, rhythm_of(options_)),
      redials_(*this, engine_, options_, std::hash<InstanceId>{}(instance_)),
      contests_(engine_, options_.takeover_timeout),
      loopback_(options_.queue_bytes_max),
      unsent_(options_.unsent_bytes_max),
      strangers_(options_.unauthenticated_peers_max),
      backlog_({.frames = options_.turn_frames_max, .bytes = options_.turn_bytes_max},
               options_.input_bytes_max) {}

NodeCore::~NodeCore() = default;

void NodeCore::start() {
  for (const auto& file : options_.plugins) plugins_.add_plugin(file).value();
  register_system_handlers().value();
  make_loopback();
  if (options_.driver != nullptr) {
    ManualDriver::Nodes::add(*options_.driver, *this);
  } else {
    leadership_.start_thread();
  }
  if (options_.stop.stop_possible()) {
    stop_callback_.emplace(options_.stop, [this] { stop_requested(); });
  }
}

std::size_t NodeCore::turn() {
  engine::Lock lock(engine_.mutex());
  std::size_t handled = run_turn(lock);
  if (spent_.empty()) {
    lock.unlock();
  } else {
    const TurnScope scope(*this);
    if (spent_.size() > 1) drop_spent(lock);
    const Payload last = take_spent();
    lock.unlock();
  }
  while (pool_.run_one()) ++handled;
  if (orphan_ != nullptr && !TurnScope::is_in_any_turn()) {
    const auto keep_alive = std::move(orphan_);
    end_orphan();
  }
  return handled;
}

std::size_t NodeCore::poll() {
  // A node with a thread of its own is driven already; two drivers would break every order. So
  // would a handler that runs those after it before it has ended, without having to wait.
  return options_.driver != nullptr && !TurnScope::is_in_turn_of(*this) ? turn() : 0;
}

std::optional<TimePoint> NodeCore::next_timer() {
  const std::lock_guard lock(engine_.mutex());
  return engine_.next_timer();
}

bool NodeCore::waits_on_kernel() {
  const std::lock_guard lock(engine_.mutex());
  return engine_.waits_on_kernel();
}

void NodeCore::nap(std::chrono::nanoseconds at_most) {
  engine_.nap(at_most);
}

Result<void> NodeCore::may_wait_here() const {
  if (!TurnScope::is_in_any_turn()) return {};
  if (options_.driver != nullptr) return {};  // it bounds the depth itself
  if (TurnScope::innermost() != this) {
    return Error(Errc::would_block_for_ever,
                 "a blocking call of one node inside an inline handler or a timer of another would "
                 "stop that other node; register the handler with Execution::spawn");
  }
  if (TurnScope::depth() < nested_waits_max) return {};
  return Error(Errc::would_block_for_ever,
               "blocking calls of inline handlers are nested " + std::to_string(nested_waits_max) +
                   " deep, which is the limit; register the handlers with Execution::spawn");
}

bool NodeCore::is_in_turn() const {
  return TurnScope::is_in_turn_of(*this);
}

bool NodeCore::wait(engine::Lock& lock, engine::Waiter& waiter) {
  if (TurnScope::is_in_turn_of(*this)) {
    // The handler that waits takes room at its sender, who may need it for what is waited for.
    for (const auto& entry : connections_) {
      if (entry.second->has_room_to_announce()) entry.second->send_window();
    }
    flush_outputs();
  }
  if (options_.driver != nullptr) {
    lock.unlock();
    return options_.driver->run_until([&] { return waiter.is_done(); });
  }
  if (TurnScope::is_in_turn_of(*this)) {
    leadership_.wait_within_turn(lock, waiter);
  } else {
    leadership_.wait(lock, waiter);
  }
  return true;
}

bool NodeCore::wait_until(std::function<bool()> condition, TimePoint deadline) {
  engine::Waiter waiter;
  WaitLimit limit(leadership_, waiter);
  engine::Lock lock(engine_.mutex());
  if (condition()) return true;
  awaited_condition_ = std::move(condition);
  condition_waiter_ = &waiter;
  engine_.arm_timer(limit, deadline);
  wait(lock, waiter);
  lock.lock();
  engine_.cancel_timer(limit);
  condition_waiter_ = nullptr;
  return awaited_condition_();
}

Result<void> NodeCore::close() {
  if (pool_.is_own_thread() || TurnScope::is_in_any_turn()) {
    return Error(Errc::would_block_for_ever,
                 "close() in a handler would wait for that handler: close from another thread");
  }
  {
    engine::Lock lock(engine_.mutex());
    if (closing_) {
      // Whoever asked second may destroy the node next. By hand, it is the same thread below us,
      // and so it is in a callback of stop_token().
      const bool is_below = closing_thread_ == std::this_thread::get_id();
      if (options_.driver == nullptr && !is_below) has_ended_.wait(lock, [this] { return ended_; });
      return {};
    }
    closing_ = true;
    closing_thread_ = std::this_thread::get_id();
    retries_.end_pauses();
  }
  auto outcome = end();
  const std::lock_guard lock(engine_.mutex());
  ended_ = true;
  closing_thread_ = {};
  has_ended_.notify_all();
  return outcome;
}

Result<void> NodeCore::end() {
  const TimePoint deadline = engine_.time_after(options_.close_timeout);
  {
    const std::lock_guard lock(engine_.mutex());
    dispatcher_.close_gate();
    for (const auto& entry : connections_) say_goodbye(*entry.second);
    flush_outputs();
  }
  stop_source_.request_stop();
  system_handlers_.end_waits();
  std::string busy;
  const bool drained = wait_until(
      [this] {
        // The leader's work is the leader's alone while it runs.
        return dispatcher_.running() == 0 && turns_on_stack_ == 0 && work_.empty() &&
               std::all_of(connections_.begin(), connections_.end(),
                           [](const auto& entry) { return entry.second->is_flushed(); });
      },
      deadline);
  if (!drained) {
    busy = std::to_string(dispatcher_.running()) + " handlers or their replies" + busy_handlers();
    dispatcher_.refuse_waiting(messages_left());
    dispatcher_.stop_all();
  } else {
    tell_drained();
  }
  close_connections(deadline);
  stop_driving();
  for (const std::string& scheme : engine_.destroy_transports()) {
    busy += busy.empty() ? "" : ", ";
    busy += "transport '" + scheme + "' (payloads of it are still held, it is leaked)";
  }
  if (busy.empty()) return {};
  return Error(Errc::deadline_exceeded, "closed, but not idle within close_timeout: " + busy);
}

void NodeCore::say_goodbye(peers::Connection& connection) {
  if (!is_drained_) return connection.send_goodbye(Errc::draining, "the peer is shutting down");
  connection.send_goodbye(Errc::shut_down,
                          "the peer has shut down: what it did not answer did not run");
}

void NodeCore::tell_drained() {
  const std::lock_guard lock(engine_.mutex());
  is_drained_ = true;
  for (const auto& entry : connections_) say_goodbye(*entry.second);
}

void NodeCore::join() {
  stop_callback_.reset();  // waits for one that is running on another thread
  if (closer_.joinable()) closer_.join();
  if (!has_stuck_handlers_) return;
  pool_.stop();
  worker_context_->end();
}

void NodeCore::close_connections(TimePoint drain_deadline) {
  {
    const std::lock_guard lock(engine_.mutex());
    closed_ = true;
    const Error why(Errc::shut_down, "this node was closed");
    const auto all = connections_;
    for (const auto& entry : all) entry.second->close(why);
    engine_.wake();
  }
  // Each step has its own bound, so that a slow drain does not cut the goodbyes of the others.
  const TimePoint deadline = std::max(drain_deadline, now() + std::chrono::seconds(1));
  // Whoever has not said hello may be silent for as long as it likes; but it may also have sent
  // requests by now, which a reset would leave in doubt.
  wait_until([this] { return connections_.empty(); }, std::min(deadline, now() + last_greeting));
  const auto has_known = [this] {
    return std::any_of(connections_.begin(), connections_.end(),
                       [](const auto& entry) { return !entry.second->is_stranger(); });
  };
  wait_until([&] { return !has_known(); }, deadline);
  {
    const std::lock_guard lock(engine_.mutex());
    const auto left = connections_;
    for (const auto& entry : left) {
      entry.second->abort(Error(Errc::shut_down, "this node was closed"));
    }
    engine_.shut_down();
    engine_.wake();
  }
  wait_until([this] { return engine_.is_down() && connections_.empty(); }, deadline);
}

void NodeCore::stop_driving() {
  if (options_.driver != nullptr) {
    ManualDriver::Nodes::remove(*options_.driver, *this);
  } else {
    // Whoever waits still may lead, or keep the leader from ending its turn.
    give_up_waiting();
    leadership_.stop_thread();
  }
  engine::Lock lock(engine_.mutex());
  if (options_.driver == nullptr) leadership_.take_over(lock);
  turn(lock);  // completions of the last moment: workers may wait for them
  // A transport that never said CLOSED must not keep anybody waiting. Kept until the last turn,
  // because it may say so still.
  lock.unlock();
  const auto left = connections_left();
  lock.lock();
  const Error why(Errc::shut_down, "this node was closed");
  for (const auto& connection : left) connection->forsake(why);
  turn(lock);
  lock.unlock();
  // Messages that did not start within close_timeout are dropped: their callers were told by the
  // lost connection, and running them would keep close() busy beyond any bound.
  handlers_.close();
  peer_events_->close();
  pool_.drop_queued();
  has_stuck_handlers_ = !pool_.stop_within(last_grace);
  if (!has_stuck_handlers_) worker_context_->end();
  lock.lock();
  defer([this] { log_.tell_all(); });
  // What the last ones led to, log lines above all; but not for ever.
  for (int turns = 0; turns < last_turns_max && (turn(lock) != 0 || has_work()); ++turns) {
  }
  undriven_ = true;
  std::list<OneShot> dropped;  // what a timer holds may call back when it goes: not under the lock
  const auto buried = take_buried();
  // Breaks the cycles between peers, connections and this node.
  for (const auto& entry : connections_) peers_.remove(*entry.second);
  peers_.clear();
  connections_.clear();
  dials_.clear();
  outputs_.clear();
  held_.clear();
  loopback_.clear();
  heartbeat_.stop();
  redials_.stop();
  contests_.stop();
  backlog_.clear();
  engine_.cancel_timer(hold_alarm_);
  engine_.cancel_timer(wait_alarm_);
  engine_.cancel_timer(line_alarm_);
  engine_.cancel_timer(dispatch_alarm_);
  for (OneShot& timer : one_shots_) engine_.cancel_timer(timer);
  dropped.swap(one_shots_);
  lock.unlock();
}

void NodeCore::give_up_waiting() {
  const std::lock_guard lock(engine_.mutex());
  const Error why(Errc::shut_down, "this node was closed");
  for (const auto& entry : connections_) {
    finish_dial(*entry.second, why);
    entry.second->end_calls(why);
  }
  calls_.release_all_paced();
}

std::vector<NodeCore::ConnectionPtr> NodeCore::connections_left() {
  const std::lock_guard lock(engine_.mutex());
  std::vector<ConnectionPtr> left;
  for (const auto& entry : connections_) left.push_back(entry.second);
  return left;
}

std::vector<std::shared_ptr<dispatch::KeptMessage>> NodeCore::messages_left() {
  const std::lock_guard lock(engine_.mutex());
  std::vector<std::shared_ptr<dispatch::KeptMessage>> left;
  for (const auto& entry : connections_) {
    for (auto& message : entry.second->running()) left.push_back(std::move(message));
  }
  return left;
}

void NodeCore::after(std::chrono::nanoseconds delay, std::function<void()> function) {
  const std::lock_guard lock(engine_.mutex());
  // It would never fire. What it holds is the caller's, who may wait for it: it goes without the
  // lock.
  if (undriven_) return;
  const auto timer = one_shots_.emplace(one_shots_.end(), *this, std::move(function));
  timer->self = timer;
  engine_.arm_timer(*timer, engine_.time_after(delay));
  leadership_.ensure_led();
}

void NodeCore::fire(OneShot& timer) {
  defer(std::move(timer.function));
  one_shots_.erase(timer.self);
}

NodeLog::Services NodeCore::log_services() {
  return {.defer = [this](Action action) { defer(std::move(action)); },
          .now = [this] { return engine_.now(); },
          .wake_at =
              [this](TimePoint time) {
                const std::lock_guard lock(engine_.mutex());
                if (!undriven_) engine_.arm_timer(line_alarm_, time);
              }};
}

Result<void> NodeCore::register_system_handlers() {
  auto added = system_handlers_.add_all(
      {.instance = instance_,
       .host = host_id(),
       .endpoints = [this] { return endpoints(); },
       .statistics = [this] { return statistics(); },
       .time_after = [this](auto delay) { return engine_.time_after(delay); },
       .wake_at = [this](TimePoint time) { arm_by(wait_alarm_, time); },
       .wait_max = options_.call_timeout});
  return added.has_error() ? added : register_admin_handlers();
}

void NodeCore::arm_by(engine::Timer& alarm, TimePoint time) {
  const std::lock_guard lock(engine_.mutex());
  if (undriven_ || (alarm.is_armed() && alarm.due() <= time)) return;
  // Whoever waits is a message that is kept: the node is led. Lanes may be forgotten late.
  engine_.arm_timer(alarm, time);
}

void NodeCore::make_loopback() {
  const std::lock_guard lock(engine_.mutex());
  auto caller = new_connection(peers::Opener::us, ++connections_made_);
  auto callee = new_connection(peers::Opener::peer, ++connections_made_);
  // Each end names the other's number, so that both derive the same message ids.
  caller->attach_loopback(*callee,
                          {instance_, incarnation_, callee->number(), options_.message_bytes_max});
  callee->attach_loopback(*caller,
                          {instance_, incarnation_, caller->number(), options_.message_bytes_max});
  auto link = std::make_shared<detail::PeerLink>(shared_from_this());
  link->instance = instance_;
  link->incarnation = incarnation_;
  link->connections.push_back(caller);
  caller->link = link;
  callee->link = link;
  peers_.add_self(std::move(link));
}

}  // namespace trestle
