// The turn and the sleep of an engine.
#include "engine/engine.hpp"

#include <algorithm>

namespace trestle::engine {
namespace {

// Transports that offer neither a descriptor nor wake-ups are polled this often.
constexpr TimePoint poll_only_interval = std::chrono::microseconds(500);

std::optional<TimePoint> earlier(std::optional<TimePoint> a, std::optional<TimePoint> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace

Engine::Engine(EngineOptions options, EngineEvents& events)
    : options_(std::move(options)),
      events_(events),
      released_(std::make_shared<ReleaseQueue>([waker = waker_] { waker->wake(); })) {}

Result<Transport*> Engine::transport(const tt_plugin& plugin, std::string_view scheme) {
  if (const auto found = transports_.find(scheme); found != transports_.end()) {
    if (found->second->has_failed()) {
      return Error(Errc::transport_failed, "transport '" + std::string(scheme) +
                                               "' failed for good and is not used any more");
    }
    return found->second.get();
  }
  HostServices services{
      .wake = [waker = waker_] { waker->wake(); },
      .now = [&clock = options_.clock] { return clock.now(); },
      .log = options_.log,
  };
  auto opened = Transport::open(plugin, scheme, std::move(services), released_, options_.limits);
  if (opened.has_error()) return std::move(opened).error();
  Transport* transport = opened->get();
  transports_.emplace(std::string(scheme), std::move(*opened));
  wake();  // the driver must learn of a new descriptor
  return transport;
}

void Engine::arm_timer(Timer& timer, TimePoint due) {
  timers_.arm(timer, due);
  if (!sleep_until_ || due < *sleep_until_) wake();
}

void Engine::release_buffers() {
  for (const auto& [transport, rx] : released_->take()) transport->release(rx);
}

std::size_t Engine::turn() {
  std::size_t handled = 0;
  {
    const std::lock_guard lock(mutex_);
    release_buffers();
    for (const auto& entry : transports_) {
      Transport& transport = *entry.second;
      if (transport.is_down()) continue;
      handled += transport.progress();
      if (transport.has_failed()) events_.on_transport_failed(transport);
    }
    handled += timers_.expire(now());
  }
  handled += events_.run_actions();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& entry : transports_) entry.second->end_turn();
  }
  return handled;
}

bool Engine::prepare_sleep(std::optional<TimePoint> limit) {
  const std::lock_guard lock(mutex_);
  waker_->prepare_sleep();
  release_buffers();
  if (events_.has_work()) return false;
  sleep_until_ = earlier(limit, timers_.next());
  wait_fds_.clear();
  for (const auto& entry : transports_) {
    Transport& transport = *entry.second;
    if (transport.is_down()) continue;
    std::optional<TimePoint> deadline;
    if (transport.arm(deadline) != TT_OK) return false;
    const std::uint32_t waits = transport.attributes().wait_flags;
    if ((waits & TT_WAIT_FD) != 0) wait_fds_.push_back(transport.attributes().wait_fd);
    if (waits == 0) deadline = earlier(deadline, now() + poll_only_interval);
    sleep_until_ = earlier(sleep_until_, deadline);
  }
  return true;
}

void Engine::sleep(std::optional<TimePoint> limit) {
  if (!prepare_sleep(limit)) {
    waker_->stay_awake();
    return;
  }
  std::optional<TimePoint> timeout;
  if (sleep_until_) timeout = *sleep_until_ - now();
  waker_->sleep(wait_fds_, timeout);
}

void Engine::nap(std::chrono::nanoseconds at_most) {
  if (prepare_sleep(std::nullopt)) {
    waker_->sleep(wait_fds_, at_most);
  } else {
    waker_->stay_awake();
  }
}

bool Engine::waits_on_kernel() const {
  return std::any_of(transports_.begin(), transports_.end(), [](const auto& entry) {
    return (entry.second->attributes().wait_flags & TT_WAIT_WAKE) == 0;
  });
}

void Engine::shut_down() {
  for (const auto& entry : transports_) entry.second->shutdown();
}

bool Engine::is_down() const {
  return std::all_of(transports_.begin(), transports_.end(),
                     [](const auto& entry) { return entry.second->is_down(); });
}

std::vector<std::string> Engine::destroy_transports() {
  const std::lock_guard lock(mutex_);
  release_buffers();
  std::vector<std::string> held;
  for (auto& entry : transports_) {
    if (entry.second->destroy()) continue;
    held.push_back(entry.first);
    // Its plugin side lives on and uses the host table in here.
    [[maybe_unused]] Transport* leaked = entry.second.release();
  }
  transports_.clear();
  return held;
}

}  // namespace trestle::engine
