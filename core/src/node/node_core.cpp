// A node's life: start, drive, close.
#include "node/node_core.hpp"

#include <trestle/manual_driver.hpp>

#include <algorithm>

#include "log/logger.hpp"
#include "node/driven_nodes.hpp"
#include "node/turn_scope.hpp"

namespace trestle {
namespace {

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

engine::EngineOptions engine_options(const NodeOptions& options, LogFunction log) {
  return {.clock = options.driver != nullptr ? options.driver->clock() : steady_clock(),
          .limits = {.packet_bytes_max = options.message_bytes_max + packet_overhead_bytes,
                     .queue_bytes_max = options.queue_bytes_max,
                     .linger = options.close_timeout,
                     .threads_allowed = options.driver == nullptr},
          .log = [log = std::move(log)](int level, std::string_view text) {
            log(level_of(level), text);
          }};
}

plugin_loading::SearchOptions search_options(LogFunction log) {
  auto options = plugin_loading::SearchOptions::of_process();
  options.log_info = [log = std::move(log)](const std::string& line) { log(LogLevel::info, line); };
  return options;
}

}  // namespace

NodeCore::NodeCore(Node& node, NodeOptions options)
    : node_(node),
      options_(std::move(options)),
      instance_(options_.instance_id ? *options_.instance_id : random_instance_id()),
      incarnation_(options_.incarnation ? *options_.incarnation : incarnation_from_time_of_day()),
      log_(options_.log ? options_.log : log::standard_error_log()),
      plugins_(search_options(deferred_log())),
      engine_(engine_options(options_, deferred_log()), *this),
      pool_(worker_count(options_), options_.spawn_queue_messages),
      dispatcher_(*this, handlers_, pool_,
                  {.messages = options_.spawn_queue_messages,
                   .bytes = options_.spawn_queue_bytes,
                   .requests = options_.requests_max}),
      peers_(instance_) {}

NodeCore::~NodeCore() = default;

void NodeCore::start() {
  for (const auto& file : options_.plugins) plugins_.add_plugin(file).value();
  register_system_handlers().value();
  make_loopback();
  if (options_.driver != nullptr) {
    ManualDriver::Nodes::add(*options_.driver, *this);
  } else {
    driver_thread_ = std::thread([this] { drive(); });
  }
  if (options_.stop.stop_possible()) {
    stop_callback_.emplace(options_.stop, [this] { stop_requested(); });
  }
}

void NodeCore::stop_requested() {
  const auto close_and_report = [this] {
    if (auto closed = close(); closed.has_error()) report(closed.error());
  };
  const bool in_handler = may_wait_here().has_error() || pool_.is_own_thread();
  if (in_handler && options_.driver == nullptr) {
    // Closing waits for that handler, so it must happen elsewhere.
    closer_ = std::thread(close_and_report);
  } else {
    close_and_report();
  }
}

void NodeCore::drive() {
  while (!stop_driving_.load(std::memory_order_relaxed)) {
    if (turn() == 0) engine_.sleep();
  }
}

std::size_t NodeCore::turn() {
  // The end of an inner turn would give back the packets that the outer one's handlers still view.
  if (TurnScope::is_in_turn_of(*this)) return 0;
  std::size_t handled = engine_.turn();
  if (options_.driver != nullptr) {
    while (pool_.run_one()) ++handled;
  }
  {
    const std::lock_guard lock(engine_.mutex());
    if (!closing_) return handled;
  }
  turned_.notify_all();
  return handled;
}

std::size_t NodeCore::poll() {
  // A node with a thread of its own is driven already; two drivers would break every order.
  return options_.driver != nullptr ? turn() : 0;
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

bool NodeCore::wait_until(const std::function<bool()>& done, TimePoint deadline) {
  const auto done_locked = [&] {
    const std::lock_guard lock(engine_.mutex());
    return done();
  };
  if (options_.driver != nullptr) {
    // Gives the virtual clock a time to move to, so that the wait ends.
    after(deadline - now(), [] {});
    options_.driver->run_until([&] { return done_locked() || now() >= deadline; });
    return done_locked();
  }
  std::unique_lock lock(engine_.mutex());
  while (!done() && now() < deadline) turned_.wait_for(lock, std::chrono::milliseconds(10));
  return done();
}

Result<void> NodeCore::close() {
  if (auto allowed = may_wait_here(); allowed.has_error()) return allowed;
  if (pool_.is_own_thread()) {
    return Error(Errc::would_block_for_ever,
                 "close() in a handler would wait for that handler: close from another thread");
  }
  {
    std::unique_lock lock(engine_.mutex());
    if (closing_) {
      // Whoever asked second may destroy the node next. By hand, it is the same thread below us.
      if (options_.driver == nullptr) turned_.wait(lock, [this] { return ended_; });
      return {};
    }
    closing_ = true;
  }
  auto outcome = end();
  const std::lock_guard lock(engine_.mutex());
  ended_ = true;
  turned_.notify_all();
  return outcome;
}

Result<void> NodeCore::end() {
  const TimePoint deadline = engine_.time_after(options_.close_timeout);
  {
    const std::lock_guard lock(engine_.mutex());
    dispatcher_.close_gate();
    for (const auto& entry : connections_) {
      entry.second->send_goodbye(Errc::draining, "the peer is shutting down");
    }
    flush_outputs();
  }
  std::string busy;
  const bool drained = wait_until(
      [this] {
        return dispatcher_.running() == 0 &&
               std::all_of(connections_.begin(), connections_.end(),
                           [](const auto& entry) { return entry.second->is_flushed(); });
      },
      deadline);
  if (!drained) busy = std::to_string(dispatcher_.running()) + " handlers or their replies";
  close_connections(deadline);
  stop_driving();
  for (const std::string& scheme : engine_.destroy_transports()) {
    busy += busy.empty() ? "" : ", ";
    busy += "transport '" + scheme + "' (payloads of it are still held, it is leaked)";
  }
  if (busy.empty()) return {};
  return Error(Errc::deadline_exceeded, "closed, but not idle within close_timeout: " + busy);
}

void NodeCore::join() {
  stop_callback_.reset();  // waits for one that is running on another thread
  if (closer_.joinable()) closer_.join();
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
  wait_until([this] { return connections_.empty(); }, deadline);
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
  } else if (driver_thread_.joinable()) {
    {
      // Under the lock, so that a driver about to sleep either sees it or is woken.
      const std::lock_guard lock(engine_.mutex());
      stop_driving_.store(true, std::memory_order_relaxed);
      engine_.wake();
    }
    driver_thread_.join();
  }
  engine_.turn();  // completions of the last moment: workers may wait for them
  // A transport that never said CLOSED must not keep anybody waiting. Kept until the last turn,
  // because it may say so still.
  const auto left = connections_left();
  for (const auto& connection : left) {
    const std::lock_guard lock(engine_.mutex());
    connection->on_closed(TT_E_CLOSED, "this node was closed");
  }
  run_actions();
  // Messages that did not start within close_timeout are dropped: their callers were told by the
  // lost connection, and running them would keep close() busy beyond any bound.
  handlers_.close();
  pool_.drop_queued();
  pool_.stop();
  engine_.turn();
  while (run_actions() != 0) {  // what the last ones led to, log lines above all
  }
  std::list<OneShot> dropped;  // what a timer holds may call back when it goes: not under the lock
  const std::lock_guard lock(engine_.mutex());
  // Breaks the cycles between peers, connections and this node.
  for (const auto& entry : connections_) peers_.remove(*entry.second);
  peers_.clear();
  connections_.clear();
  dials_.clear();
  outputs_.clear();
  loopback_.clear();
  loopback_blocked_.clear();
  for (OneShot& timer : one_shots_) engine_.cancel_timer(timer);
  dropped.swap(one_shots_);
}

std::vector<std::shared_ptr<peers::Connection>> NodeCore::connections_left() {
  const std::lock_guard lock(engine_.mutex());
  std::vector<std::shared_ptr<peers::Connection>> left;
  for (const auto& entry : connections_) left.push_back(entry.second);
  return left;
}

NodeCounters NodeCore::counters() {
  const std::lock_guard lock(engine_.mutex());
  NodeCounters counters;
  counters.messages_received = dispatcher_.received() + rejected_;
  counters.messages_refused = dispatcher_.refused() + rejected_;
  counters.handler_errors = dispatcher_.handler_errors();
  counters.stray_outcomes = stray_outcomes_;
  counters.protocol_errors = protocol_errors_;
  for (const auto& entry : connections_) {
    if (entry.second->is_open() && entry.second->transport() != nullptr) ++counters.connections;
    counters.calls_pending += entry.second->calls_pending();
  }
  return counters;
}

void NodeCore::after(std::chrono::nanoseconds delay, std::function<void()> function) {
  const std::lock_guard lock(engine_.mutex());
  const auto timer = one_shots_.emplace(one_shots_.end(), *this, std::move(function));
  timer->self = timer;
  engine_.arm_timer(*timer, engine_.time_after(delay));
}

void NodeCore::fire(OneShot& timer) {
  defer(std::move(timer.function));
  one_shots_.erase(timer.self);
}

void NodeCore::log(LogLevel level, std::string text) {
  defer([this, level, line = std::move(text)] {
    try {
      log_(level, line);
    } catch (...) {
      // A log function that throws has nowhere to say so.
    }
  });
}

LogFunction NodeCore::deferred_log() {
  return [this](LogLevel level, std::string_view text) { log(level, std::string(text)); };
}

Result<void> NodeCore::register_system_handlers() {
  return handlers_.add(
      unary("_list_handlers", [this] { return handlers_.names(); }, {Execution::inline_}),
      registry::Owner::system);
}

void NodeCore::make_loopback() {
  const std::lock_guard lock(engine_.mutex());
  auto caller = new_connection(peers::Opener::us);
  auto callee = new_connection(peers::Opener::peer);
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
