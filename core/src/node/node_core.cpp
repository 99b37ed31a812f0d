// A node's life: start, drive, wait.
#include "node/node_core.hpp"

#include <trestle/manual_driver.hpp>

#include <algorithm>

#include "log/logger.hpp"
#include "node/driven_nodes.hpp"
#include "node/turn_scope.hpp"

namespace trestle {
namespace {

// Inline handlers that wait run others on the same stack, up to so deep.
constexpr int nested_waits_max = 16;

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
                     .first_packet_bytes_max = wire::first_packet_bytes_max,
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
      hold_watch_(engine_, *this),
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
    hold_watch_.start_thread();
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
  if (ends_by_hand_ && !must_end_later()) end_by_hand();
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
    return ManualDriver::Nodes::run_until_done(*options_.driver, waiter);
  }
  if (TurnScope::is_in_turn_of(*this)) {
    leadership_.wait_within_turn(lock, waiter);
  } else {
    leadership_.wait(lock, waiter);
  }
  return true;
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
